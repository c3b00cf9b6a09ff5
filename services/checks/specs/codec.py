"""Conversion of a spec's dataclass to the JSON of its message and back, by the names of its attributes. Pure.

An attribute maps to the field of the same name, by its type: strings, booleans, numbers and tuples of them are the same
in both; a dataclass is an object; an int whose name ends in `_us` is a Duration in a field without this suffix.
`Annotated[…, As(…)]` overrides the mapping. Protobuf omits empty fields, so the default of an attribute is the meaning
of an absent field; an attribute without a default is then empty or 0. Attributes with `compare=False` are not part of
the message. Unknown fields, which a later version has added, are ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from google.protobuf.duration_pb2 import Duration

from services.platform.clock import SECOND_US

_T = TypeVar("_T")
_SPAN = "_us"
_DECIMALS = 6
_Read = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class As:
    """An override of the mapping of an attribute, in `Annotated`.

    Attributes:
        field: the name of the field; that of the attribute if empty.
        read: returns the attribute for the JSON of the field; None for the default conversion.
        write: returns the JSON of the field for the attribute; None for the default conversion.
        is_group: whether the attribute is a dataclass whose attributes are fields of the same message.
    """

    field: str = ""
    read: Callable[[Any], Any] | None = None
    write: Callable[[Any], Any] | None = None
    is_group: bool = False


class _Attribute(NamedTuple):
    """The mapping of an attribute to its field; `read` and `write` are None if the value is the same in both."""

    name: str
    field: str
    read: Callable[[Any], Any] | None
    write: Callable[[Any], Any] | None


def from_json(kind: type[_T], json: Mapping[str, Any]) -> _T:
    """Return a dataclass for the JSON of its message; absent fields get the defaults of the dataclass."""
    of: Any = kind
    readers = _readers(of)
    given = {**_empty(of)}
    groups: dict[str, dict[str, Any]] = {}
    # A hot path: a worker reads hundreds of thousands of specs when it starts.
    for field, value in json.items():
        if (reader := readers.get(field)) is not None:
            name, read, group = reader
            into = groups.setdefault(group, {}) if group else given
            into[name] = read(value) if read else value
    for group, values in groups.items():
        given[group] = _groups(of)[group](**values)
    return kind(**given)


def to_json(spec: Any) -> dict[str, Any]:  # noqa: ANN401 — any dataclass
    """Return the JSON of a dataclass's message, which may include empty fields."""
    found: dict[str, Any] = {}
    of: Any = type(spec)
    for name, field, _, write in _attributes(of):
        value = getattr(spec, name)
        written = value if value is None or write is None else write(value)
        if written is not None and written != []:
            found[field] = written
    for name in _groups(of):
        found |= to_json(getattr(spec, name))
    return found


def span_from_json(text: str) -> int:
    """Return the microseconds of a Duration in Protobuf's JSON, such as "1.500s"; truncate nanoseconds."""
    seconds, _, fraction = text.removesuffix("s").partition(".")
    return int(seconds) * SECOND_US + int(fraction[:_DECIMALS].ljust(_DECIMALS, "0"))


def span_to_json(span_us: int) -> str:
    """Return a Duration in Protobuf's JSON, such as "1.500s"."""
    span = Duration()
    span.FromMicroseconds(span_us)
    return span.ToJsonString()


@cache
def _readers(kind: Any) -> Mapping[str, tuple[str, _Read, str]]:  # noqa: ANN401 — a dataclass
    """Return for each field the attribute, its conversion (None if the value is the same), and its group or ""."""
    own = {each.field: (each.name, each.read, "") for each in _attributes(kind)}
    for group, of in _groups(kind).items():
        own |= {each.field: (each.name, each.read, group) for each in _attributes(of)}
    return own


@cache
def _attributes(kind: Any) -> tuple[_Attribute, ...]:  # noqa: ANN401 — a dataclass
    hints = _hints(kind)
    defaults = {each.name: each.default for each in fields(kind)}
    return tuple(_attribute(name, *hints[name], defaults[name]) for name in hints if not hints[name][1].is_group)


@cache
def _empty(kind: Any) -> Mapping[str, Any]:  # noqa: ANN401 — a dataclass
    """Return the values of the attributes without a default for absent fields."""
    hints = _hints(kind)
    return {each.name: hints[each.name][0]() for each in fields(kind) if each.name in hints and not _has_default(each)}


def _has_default(field: "Field[Any]") -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


@cache
def _groups(kind: Any) -> Mapping[str, Any]:  # noqa: ANN401 — a dataclass
    return {name: type_ for name, (type_, how) in _hints(kind).items() if how.is_group}


def _hints(kind: Any) -> Mapping[str, tuple[Any, As]]:  # noqa: ANN401 — a dataclass
    """Return the type and the override of each attribute."""
    hints = get_type_hints(kind, include_extras=True)
    return {each.name: _parted(hints[each.name]) for each in fields(kind) if each.compare}


def _parted(hint: Any) -> tuple[Any, As]:  # noqa: ANN401 — type hints have no common type
    beside = getattr(hint, "__metadata__", ())
    type_ = hint.__origin__ if beside else hint
    if isinstance(type_, UnionType):
        type_ = next(each for each in get_args(type_) if each is not type(None))
    return type_, next((each for each in beside if isinstance(each, As)), As())


def _attribute(name: str, type_: Any, how: As, default: Any) -> _Attribute:  # noqa: ANN401 — an attribute has any type
    field = how.field or name
    if how.read or how.write:
        return _Attribute(name, field, how.read, how.write)
    if name.endswith(_SPAN):
        return _Attribute(name, field.removesuffix(_SPAN), span_from_json, span_to_json)
    if get_origin(type_) is tuple:
        return _Attribute(name, field, tuple, list)
    if is_dataclass(type_):
        part: Any = type_
        return _Attribute(
            name,
            field,
            lambda json: from_json(part, json),
            lambda value: None if value == default else to_json(value),
        )
    return _Attribute(name, field, None, None)
