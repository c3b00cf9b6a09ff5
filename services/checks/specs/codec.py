"""A spec's dataclass to JSON and to its message, and back, by the names of its fields. Pure.

A field of type str, bool, int or float, of another dataclass, or a tuple of these is the message's field of the same
name; so is an enum, whose numbers are the contract's, or None where the contract's is unspecified. One that ends in _us
is a span in microseconds: the message's Duration without the ending. Everything has a default, so that what was written
before there was a field can be read. What the constructor does not take is not of the spec, and is left out.
"""

import dataclasses
from dataclasses import is_dataclass
from enum import IntEnum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from google.protobuf.message import Message

from services.platform.clock import from_duration, to_duration

_T = TypeVar("_T")
_SPAN = "_us"


def to_json(spec: Any) -> dict[str, Any]:  # noqa: ANN401 — any dataclass
    """A dataclass as plain JSON."""
    return {each.name: _plain(getattr(spec, each.name)) for each in _fields(spec)}


def from_json(kind: type[_T], column: dict[str, Any]) -> _T:
    """A dataclass from plain JSON."""
    types = _types(kind)
    return kind(**{name: _made(types[name], value) for name, value in column.items()})


def to_message(spec: Any, message: Message) -> Message:  # noqa: ANN401 — any dataclass
    """Fill a message in; an absent part of the dataclass stays absent."""
    for each in _fields(spec):
        value = getattr(spec, each.name)
        if value is None:
            continue
        if each.name.endswith(_SPAN):
            getattr(message, each.name.removesuffix(_SPAN)).CopyFrom(to_duration(value))
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            for part in value:
                to_message(part, getattr(message, each.name).add())
        elif isinstance(value, tuple):
            getattr(message, each.name).extend(value)
        elif is_dataclass(value):
            inner = getattr(message, each.name)
            inner.SetInParent()
            to_message(value, inner)
        else:
            setattr(message, each.name, value)
    return message


def from_message(kind: type[_T], message: Message) -> _T:
    """A dataclass from a message; what is absent there is left to the dataclass's default."""
    given: dict[str, Any] = {}
    for name, (type_, many) in _types(kind).items():
        field = name.removesuffix(_SPAN)
        value = getattr(message, field)
        if many:
            given[name] = tuple(from_message(type_, part) if _has_fields(type_) else part for part in value)
            continue
        described = message.DESCRIPTOR.fields_by_name[field]
        if described.has_presence and not message.HasField(field):
            continue
        if name.endswith(_SPAN):
            given[name] = from_duration(value)
        elif _is_enum(type_):
            given[name] = type_(value) if value else None
        else:
            given[name] = from_message(type_, value) if _has_fields(type_) else value
    return kind(**given)


def camel(name: str) -> str:
    """A field's name as JSON of the contract has it."""
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _fields(spec: Any) -> list["dataclasses.Field[Any]"]:  # noqa: ANN401 — any dataclass
    return [each for each in dataclasses.fields(spec) if each.init]


def _types(kind: Any) -> dict[str, tuple[Any, bool]]:  # noqa: ANN401 — a dataclass
    """By field: its type, or that of its parts; and whether it is a tuple."""
    return _kept_types(kind)


@cache
def _kept_types(kind: Any) -> dict[str, tuple[Any, bool]]:  # noqa: ANN401 — as above
    hints = get_type_hints(kind)
    return {each.name: _type(hints[each.name]) for each in _fields(kind)}


def _type(hint: Any) -> tuple[Any, bool]:  # noqa: ANN401 — what a type hint is
    if get_origin(hint) in {Union, UnionType}:
        hint = next(each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True
    return hint, False


def _has_fields(type_: Any) -> bool:  # noqa: ANN401 — a field's type
    return is_dataclass(type_)


def _is_enum(type_: Any) -> bool:  # noqa: ANN401 — a field's type
    return isinstance(type_, type) and issubclass(type_, IntEnum)


def _plain(value: Any) -> Any:  # noqa: ANN401 — a field's value
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return to_json(value) if is_dataclass(value) else value


def _made(type_: tuple[Any, bool], value: Any) -> Any:  # noqa: ANN401 — a field's value
    one, many = type_
    if value is None:
        return None
    if many:
        return tuple(from_json(one, each) if _has_fields(one) else each for each in value)
    if _is_enum(one):
        return one(value)
    return from_json(one, value) if _has_fields(one) else value
