"""Rules for every field of the contract, so that no field has to repeat them.

- A list or map has at most as many items as its field declares, 100 by default; the items of a longer one are not read.
- Text has no U+0000, which PostgreSQL cannot store.
- A Timestamp is within the years 1 to 9999 and a Duration within 10,000 years, each with valid nanoseconds: the limits
  of google.protobuf, Python and PostgreSQL. The first and the last microsecond of those years are excluded, because
  asyncpg writes them as -infinity and infinity.
- A Value is set, and its number is finite: the limits of google.protobuf and JSON.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp

from services.platform.errors import FieldViolation

# Lists of google.protobuf have no rules: FieldMask, Struct, ListValue.
_MOST_ITEMS_OF_OTHERS = 100
# In nanoseconds.
_FIRST, _END = -62_135_596_800 * 10**9 + 1_000, 253_402_300_800 * 10**9 - 1_000
_LONGEST_S = 315_576_000_000
_MOST_NANOS = 999_999_999
_KEY_SHOWN = 64

_NUL = "must not contain the character U+0000"
_INSTANT = "must be after 0001-01-01T00:00:00Z and before 9999-12-31T23:59:59.999999Z, with 0 to 999999999 nanoseconds"
_JSON = "must be a string, a finite number, true, false, null, a list or an object"
_SPAN = f"must be from -{_LONGEST_S}s to {_LONGEST_S}s, with seconds and nanoseconds of the same sign"


@dataclass(slots=True)
class Inspection:
    """The result of inspecting a message.

    Attributes:
        violations: the violated rules.
        items: the total number of items in its lists and maps.
        too_long: whether a list or map is too long, so that its items were not inspected.
    """

    violations: list[FieldViolation] = field(default_factory=list)
    items: int = 0
    too_long: bool = False


class UniversalRules:
    """An inspector of messages; the rules of a field are read from the contract once."""

    def __init__(self) -> None:
        self._most_items: dict[str, int] = {}

    def inspect(self, message: Message, at: str = "") -> Inspection:
        """Check each field of a message against the rules, nested fields included.

        Args:
            message: the message.
            at: the path of the field that contains it; empty for a request.
        """
        inspection = Inspection()
        self._look_at(message, at, inspection)
        return inspection

    def _look_at(self, value: object, at: str, inspection: Inspection) -> None:
        if isinstance(value, str):
            if "\0" in value:
                inspection.violations.append(FieldViolation(at, _NUL))
        elif isinstance(value, Timestamp | Duration):
            _look_at_time(value, at, inspection)
        elif isinstance(value, Value) and not _is_json(value):
            inspection.violations.append(FieldViolation(at, _JSON))
        elif isinstance(value, Message):
            for each, inner in value.ListFields():
                path = f"{at}.{each.name}" if at else each.name
                if each.is_repeated:
                    self._look_into(each, inner, path, inspection)
                else:
                    self._look_at(inner, path, inspection)

    def _look_into(self, of: FieldDescriptor, items: Any, at: str, inspection: Inspection) -> None:  # noqa: ANN401 — list and map types of protobuf are private
        inspection.items += len(items)
        most = self._most(of)
        if len(items) > most:
            description = f"must have at most {most} items; it has {len(items)}"
            inspection.violations.append(FieldViolation(at, description, str(most), str(len(items))))
            inspection.too_long = True
        elif is_map(of):
            for key, item in items.items():
                place = f"{at}[{shown_key(key)}]"
                self._look_at(key, place, inspection)
                self._look_at(item, place, inspection)
        elif of.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE}:
            for index, item in enumerate(items):
                self._look_at(item, f"{at}[{index}]", inspection)

    def _most(self, of: FieldDescriptor) -> int:
        most = self._most_items.get(of.full_name)
        if most is None:
            most = self._most_items[of.full_name] = most_items(of) or _MOST_ITEMS_OF_OTHERS
        return most


def _look_at_time(value: Timestamp | Duration, at: str, inspection: Inspection) -> None:
    if isinstance(value, Timestamp):
        if not (0 <= value.nanos <= _MOST_NANOS and _FIRST <= value.seconds * 10**9 + value.nanos < _END):
            inspection.violations.append(FieldViolation(at, _INSTANT))
        return
    opposed = value.seconds * value.nanos < 0
    if opposed or abs(value.seconds) > _LONGEST_S or abs(value.nanos) > _MOST_NANOS:
        inspection.violations.append(FieldViolation(at, _SPAN))


def _is_json(value: Value) -> bool:
    kind = value.WhichOneof("kind")
    return kind is not None and (kind != "number_value" or math.isfinite(value.number_value))


def is_map(of: FieldDescriptor) -> bool:
    """Return whether a repeated field is a map."""
    return of.message_type is not None and of.message_type.GetOptions().map_entry


def most_items(of: FieldDescriptor) -> int:
    """Return the maximum number of items that the contract declares for a list or map; 0 if it declares none."""
    # The generated types declare the extension only as a FieldDescriptor.
    rules: validate_pb2.FieldRules = of.GetOptions().Extensions[validate_pb2.field]  # type: ignore[index]
    return rules.map.max_pairs or rules.repeated.max_items


def shown_key(key: object) -> str:
    """Return a map's key for the path of a field."""
    return repr(key[:_KEY_SHOWN] if isinstance(key, str) else key)
