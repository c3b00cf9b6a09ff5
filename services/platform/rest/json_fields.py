"""Comparison of a JSON value with its message: unknown fields, duplicate names, and the fields that it names.

Values of scalar fields are validated by the transcoder, except those that it would convert or drop: strings for
booleans, null in lists and maps, objects for durations and times.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.platform.errors import FieldViolation
from services.platform.rest.faults import MOST_FAULTS, closest_name, field_path, shortened
from services.platform.rest.json_text import DEEPEST, Json, Pairs

_TEXTS = {
    "google.protobuf.Duration": 'a string such as "1.5s"',
    "google.protobuf.Timestamp": 'a string such as "2026-01-31T12:00:00Z"',
    "google.protobuf.FieldMask": 'a string such as "name,url"',
}
_FREE: Mapping[str, type] = {
    "google.protobuf.Value": object,
    "google.protobuf.Struct": Pairs,
    "google.protobuf.ListValue": list,
}
_VALUE = "google.protobuf.Value"
_ANY = "google.protobuf.Any"
_MASK = "update_mask"


@dataclass(frozen=True, slots=True)
class Inspected:
    """The result of an inspection.

    Attributes:
        named: the fields that it names, in the contract's spelling: innermost fields ("http.tls.skip_verify"), lists
            and maps as a whole, null values; for an empty object a path that ends in a dot ("http.tls.").
        violations: the faults, at most MOST_FAULTS.
    """

    named: list[str] = field(default_factory=list)
    violations: list[FieldViolation] = field(default_factory=list)


def inspect(value: Json, kind: Descriptor, at: str) -> Inspected:
    """Compare a value with its message.

    Args:
        value: the value from json_text.parse.
        kind: the type of the message.
        at: the path of the message in the request; empty for the request itself.
    """
    seen = _Inspection()
    if isinstance(value, Pairs):
        seen.message(value, (_Outer(kind, at),), "")
    else:
        seen.add_violation(at or "body", "must be a JSON object")
    return Inspected(seen.named, seen.violations)


@cache
def fields_of(kind: Descriptor) -> Mapping[str, FieldDescriptor]:
    """Return the fields of a message by both of their spellings."""
    return {name: each for each in kind.fields for name in (each.name, each.json_name)}


@dataclass(frozen=True, slots=True)
class _Outer:
    """A message that is being inspected, and its path in the client's spelling."""

    kind: Descriptor
    at: str


class _Inspection:
    def __init__(self) -> None:
        self.named: list[str] = []
        self.violations: list[FieldViolation] = []

    def add_violation(self, at: str, description: str, limit: int | None = None) -> None:
        if len(self.violations) < MOST_FAULTS:
            self.violations.append(FieldViolation(at, description, "" if limit is None else str(limit)))

    def message(self, pairs: Pairs, outer: tuple[_Outer, ...], path: str | None) -> None:
        """Inspect an object.

        Args:
            pairs: its members.
            outer: the enclosing messages, with itself as the last.
            path: the prefix of its fields' paths; None inside lists and maps, which are named as a whole.
        """
        kind, at = outer[-1].kind, outer[-1].at
        if len(outer) > DEEPEST:
            self.add_violation(at, f"is nested too deeply: limit {DEEPEST} objects and lists", DEEPEST)
            return
        if not pairs and path:
            self.named.append(path)
        known = fields_of(kind)
        spelt: dict[str, str] = {}
        chosen: dict[str, str] = {}
        for name, value in pairs:
            if len(self.violations) >= MOST_FAULTS:
                return
            where, field = field_path(at, name), known.get(name)
            if field is None:
                self.add_violation(where, f"is not a field of {kind.name}{_hint(name, pairs, outer)}")
            elif (before := spelt.setdefault(field.name, name)) != name:
                self.add_violation(where, f"is the same field as {before}; set it only once")
            else:
                self._field(field, value, where, outer, None if path is None else path + field.name, chosen)
        for name in _twice(pairs):
            self.add_violation(field_path(at, name), "is set more than once")

    def _field(
        self,
        field: FieldDescriptor,
        value: Json,
        where: str,
        outer: tuple[_Outer, ...],
        path: str | None,
        chosen: dict[str, str],
    ) -> None:
        inner = field.message_type
        is_map = inner is not None and inner.GetOptions().map_entry
        is_nested = inner is not None and not field.is_repeated and inner.file.package != "google.protobuf"
        if path is not None and (value is None or not is_nested):
            self.named.append(path)
        if value is None:
            if inner is not None and inner.full_name == _VALUE:
                self._choose(field, where, chosen)
            return
        self._choose(field, where, chosen)
        if is_map:
            self._map(field, value, where, outer)
        elif field.is_repeated:
            self._list(field, value, where, outer)
        else:
            self._one(field, value, where, outer, None if path is None else f"{path}.")

    def _choose(self, field: FieldDescriptor, where: str, chosen: dict[str, str]) -> None:
        oneof = field.containing_oneof
        if oneof is None or len(oneof.fields) == 1:  # the implicit oneof of an optional field
            return
        before = chosen.setdefault(oneof.name, where)
        if before != where:
            self.add_violation(where, f"cannot be combined with {before}")

    def _map(self, field: FieldDescriptor, value: Json, where: str, outer: tuple[_Outer, ...]) -> None:
        if not isinstance(value, Pairs):
            self.add_violation(where, "must be a JSON object")
            return
        for name in _twice(value):
            self.add_violation(_item(where, name), "is set more than once")
        assert field.message_type is not None  # noqa: S101 — the type of a map field is its entry
        entry = field.message_type.fields_by_name["value"]
        for name, each in value:
            self._item(entry, each, _item(where, name), outer)

    def _list(self, field: FieldDescriptor, value: Json, where: str, outer: tuple[_Outer, ...]) -> None:
        if not isinstance(value, list) or isinstance(value, Pairs):
            if field.message_type is None and not isinstance(value, Pairs):
                self._item(field, value, where, outer)  # the transcoder converts it to a list
            else:
                self.add_violation(where, "must be a list")
            return
        for index, each in enumerate(value):
            if len(self.violations) >= MOST_FAULTS:
                return
            self._item(field, each, f"{where}[{index}]", outer)

    def _item(self, field: FieldDescriptor, value: Json, where: str, outer: tuple[_Outer, ...]) -> None:
        if value is None and (field.message_type is None or field.message_type.full_name != _VALUE):
            self.add_violation(where, "must not be null; omit it")
        else:
            self._one(field, value, where, outer, None)

    def _one(
        self, field: FieldDescriptor, value: Json, where: str, outer: tuple[_Outer, ...], path: str | None
    ) -> None:
        inner = field.message_type
        if inner is None:
            self._scalar(field, value, where)
        elif inner.full_name in _FREE:
            if not isinstance(value, _FREE[inner.full_name]):
                self.add_violation(where, "must be a JSON object" if inner.name == "Struct" else "must be a list")
            self._free(value, where, len(outer))
        elif inner.full_name in _TEXTS:
            if not isinstance(value, str):
                self.add_violation(where, f"must be {_TEXTS[inner.full_name]}")
        elif inner.full_name == _ANY:
            self.add_violation(where, "cannot be set in JSON")
        elif inner.file.name == "google/protobuf/wrappers.proto":
            self._scalar(inner.fields_by_name["value"], value, where)
        elif isinstance(value, Pairs):
            self.message(value, (*outer, _Outer(inner, where)), path)
        else:
            self.add_violation(where, "must be a JSON object")

    def _scalar(self, field: FieldDescriptor, value: Json, where: str) -> None:
        if isinstance(value, list):
            self.add_violation(where, "must be a single value, not a list or an object")
        elif field.type == FieldDescriptor.TYPE_BOOL and not isinstance(value, bool):
            self.add_violation(where, "must be true or false")
        elif field.enum_type is not None and isinstance(value, str) and value not in field.enum_type.values_by_name:
            names = [each.name for each in field.enum_type.values[1:]]
            near = closest_name(value, names)
            hint = f"did you mean {near}?" if near else f"supported values: {', '.join(names)}"
            self.add_violation(where, f"is not a value of {field.enum_type.name}; {hint}")

    def _free(self, value: Json, where: str, depth: int) -> None:
        """Inspect a value that may be any JSON."""
        waiting = [(value, where, depth)]
        while waiting and len(self.violations) < MOST_FAULTS:
            each, at, deep = waiting.pop()
            if not isinstance(each, list):
                continue
            if deep >= DEEPEST:
                self.add_violation(shortened(at), f"is nested too deeply: limit {DEEPEST} objects and lists", DEEPEST)
                continue
            if isinstance(each, Pairs):
                for name in _twice(each):
                    self.add_violation(field_path(at, name), "is set more than once")
                waiting += ((inner, field_path(at, name), deep + 1) for name, inner in each if isinstance(inner, list))
            else:
                waiting += (
                    (inner, f"{at}[{index}]", deep + 1) for index, inner in enumerate(each) if isinstance(inner, list)
                )


def _item(where: str, name: str) -> str:
    return f"{where}[{shortened(name)!r}]"


def _twice(pairs: Pairs) -> Iterator[str]:
    """Yield each name that an object contains more than once."""
    if len({name for name, _ in pairs}) == len(pairs):
        return
    count: dict[str, int] = {}
    for name, _ in pairs:
        count[name] = count.get(name, 0) + 1
        if count[name] == 2:  # noqa: PLR2004 — twice
            yield name


def _hint(name: str, pairs: Pairs, outer: Sequence[_Outer]) -> str:
    """Return a suggestion for an unknown name: a field of a sibling or an enclosing message, or a similar spelling."""
    kind, at = outer[-1].kind, outer[-1].at
    if name in {_MASK, "updateMask"}:
        return "; send the update mask as a query parameter: ?updateMask=…"
    for sibling, value in pairs:
        field = fields_of(kind).get(sibling)
        if isinstance(value, Pairs) and field is not None and field.message_type is not None and not field.is_repeated:
            found = fields_of(field.message_type).get(name)
            if found is not None:
                return f"; did you mean {field_path(field_path(at, sibling), found.json_name)}?"
    near = closest_name(name, (each.json_name for each in kind.fields))
    if near:
        return f"; did you mean {near}?"
    for each in reversed(outer[:-1]):
        if name in fields_of(each.kind):
            return f"; did you mean {field_path(each.at, name)}?"
    names = ", ".join(each.json_name for each in kind.fields)
    return f"; its fields: {names}" if names else ", which has no fields"
