"""Random requests from the contract: valid, nearly valid, and invalid in every way that its types allow.

The same seed gives the same requests. Values come from lists of what programs tend to mishandle, and of existing ids.
"""

import math
import random
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_DEEPEST = 4
_STRINGS = (
    "", " ", "x", "home", "a" * 101, "ü" * 300, "x" * 5_000, "\x00", "a\x00b", "\r\n", "\ufeff", "\u202e", "\U0001f600",
    "%00", "../..", "a/b", "*", "-1", "1e309", "NaN", "null", "true", "[secret]", "ROLE_ADMIN", "a@acme.test",
    "correct horse", "acme", "localhost", "localhost:1", "127.0.0.1", "[::1]:1", "256.1.1.1", "xn--a", "a..b",
    "http://localhost:1/", "http://localhost:99999/", "http://[::1", "//", "tcp://x", "60s", "-1s",
    "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "10000-01-01T00:00:00Z",
    "00000000-0000-0000-0000-000000000000", "GET", "$.a", "$..*", "(a", "(?i)a{1,9}", "name", "create_time desc",
    "FREQ=DAILY", "FREQ=YEARLY;COUNT=0", "Europe/Berlin", "Nowhere/Land", "sst_" + "0" * 80, "sth_" + "0" * 64,
)  # fmt: skip
_INTEGERS = (0, 1, -1, 2, 5, 50, 99, 100, 101, 200, 1_000, 65_535, 65_536, 86_400)
_SECONDS = (0, 1, 5, 60, 3_600, 86_400, -1, 1_700_000_000, 253_402_300_799, -62_135_596_800, 2**53, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 1.5, -1.0, 1e308, 5e-324, math.inf, -math.inf, math.nan)
# What JSON may hold where something else belongs.
_STRAYS: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**30, "", "x", [], {}, [[]], {"a": {"b": []}}, ["x"] * 50)


class Fuzzer:
    """A generator of random messages.

    Args:
        seed: the seed of the random numbers.
        known: by field name, values that exist on the server: ids, tokens, slugs.
    """

    def __init__(self, seed: int, known: Mapping[str, str]) -> None:
        self.random = random.Random(seed)  # noqa: S311 — to be repeated, not to be secret
        self._known = known

    def message(self, descriptor: Descriptor, depth: int = 0) -> Message:
        """Return a message of a type, for native calls."""
        message: Message = GetMessageClass(descriptor)()
        if descriptor.full_name in {"google.protobuf.Timestamp", "google.protobuf.Duration"}:
            target: Any = message
            target.seconds = self.random.choice(_SECONDS)
            target.nanos = self.random.choice((0, 0, 1, 999_999_999, -1, 2**31 - 1, -(2**31)))
            return message
        for field in descriptor.fields:
            if self._leaves_out(field, depth):
                continue
            self._set(message, field, depth)
        return message

    def body(self, descriptor: Descriptor, depth: int = 0) -> Any:
        """Return the JSON of a message of a type, sometimes with something invalid."""
        if self.random.random() < 0.03:
            return self.random.choice(_STRAYS)
        if descriptor.full_name.startswith("google.protobuf."):
            return self.random.choice((*_STRINGS, *_STRAYS))
        made = {}
        for field in descriptor.fields:
            if not self._leaves_out(field, depth):
                made[field.json_name if self.random.random() < 0.8 else field.name] = self._json(field, depth)
        return made

    def text(self, name: str = "") -> str:
        """Return a string for a field of this name."""
        if name in self._known and self.random.random() < 0.8:
            return self._known[name]
        return self.random.choice(list(self._known.values()) if self.random.random() < 0.2 else _STRINGS)

    def _leaves_out(self, field: FieldDescriptor, depth: int) -> bool:
        if field.message_type is not None and depth >= _DEEPEST:
            return True
        return self.random.random() < (0.2 if depth == 0 else 0.6)

    def _count(self) -> int:
        return self.random.choice((0, 1, 1, 2, 3, 60))

    def _set(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            entries = getattr(message, field.name)
            for _ in range(self._count()):
                if field.message_type.fields_by_name["value"].message_type is None:
                    entries[self.text()] = self._scalar(field.message_type.fields_by_name["value"])
        elif field.is_repeated:
            values = getattr(message, field.name)
            for _ in range(self._count()):
                values.append(
                    self.message(field.message_type, depth + 1) if field.message_type else self._scalar(field)
                )
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(self.message(field.message_type, depth + 1))
        else:
            setattr(message, field.name, self._scalar(field))

    def _json(self, field: FieldDescriptor, depth: int) -> Any:
        if self.random.random() < 0.03:
            return self.random.choice(_STRAYS)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return {self.text(): self.text() for _ in range(self._count())}
        count = self._count() if field.is_repeated else 1
        made = [
            self.body(field.message_type, depth + 1) if field.message_type else self._scalar(field)
            for _ in range(count)
        ]
        values = [value.decode("latin-1") if isinstance(value, bytes) else value for value in made]
        values = [str(value) if isinstance(value, float) and not math.isfinite(value) else value for value in values]
        return values if field.is_repeated else values[0]

    def _scalar(self, field: FieldDescriptor) -> Any:
        kind = field.cpp_type
        if kind == FieldDescriptor.CPPTYPE_STRING:
            return self.text().encode() if field.type == FieldDescriptor.TYPE_BYTES else self.text(field.name)
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return self.random.random() < 0.5
        if kind in {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}:
            return self.random.choice(_FLOATS)
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            assert field.enum_type is not None
            numbers = [value.number for value in field.enum_type.values]
            return self.random.choice([*numbers, *numbers, 99, -1])
        signed = kind in {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64}
        bits = 32 if kind in {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32} else 64
        most = 2 ** (bits - signed) - 1
        least = -most - 1 if signed else 0
        value = self.random.choice((*_INTEGERS, most, least))
        return min(max(value, least), most)
