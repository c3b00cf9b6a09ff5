"""Conversion of check messages to Protobuf's JSON and back, with the field names of `proto/`. Pure.

The JSON is that of google.protobuf.json_format. It is read by the constructor of the message where possible, in a tenth
of the time of json_format, since a page of checks is read from it (docs/adr/0044).
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_M = TypeVar("_M", bound=Message)
_Readers = Mapping[str, Callable[[Any], Any]]
_SAME = frozenset({FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_INT32})


def to_json(message: Message) -> dict[str, Any]:
    """Return a message as JSON."""
    return MessageToDict(message, preserving_proto_field_name=True)


def from_json(kind: type[_M], json: dict[str, Any]) -> _M:
    """Return a message from JSON.

    Raises:
        ValueError, ParseError: the JSON does not describe such a message.
    """
    return kind(**_arguments(json, _readers(kind.DESCRIPTOR)))


def _arguments(json: dict[str, Any], readers: _Readers) -> dict[str, Any]:
    """Return the arguments for the constructor of a message."""
    if readers.keys().isdisjoint(json):
        return json
    return {name: readers[name](value) if name in readers else value for name, value in json.items()}


@cache
def _readers(message: Descriptor) -> _Readers:
    """Return the conversions for the fields whose JSON the constructor does not accept unchanged."""
    return {field.name: reader for field in message.fields if (reader := _reader(message, field)) is not None}


def _reader(message: Descriptor, field: FieldDescriptor) -> Callable[[Any], Any] | None:
    described = field.message_type
    if described is None:
        is_same = field.type in _SAME or field.enum_type is not None
        return None if is_same else _by_json_format(message, field)
    if described.full_name.startswith("google.protobuf."):
        return _by_json_format(message, field)
    readers = _readers(described)
    if not readers:
        return None
    if described.GetOptions().map_entry:
        return _by_json_format(message, field)
    if field.is_repeated:
        return lambda json: [_arguments(each, readers) for each in json]
    return lambda json: _arguments(json, readers)


def _by_json_format(message: Descriptor, field: FieldDescriptor) -> Callable[[Any], Any]:
    parent = GetMessageClass(message)
    return lambda json: getattr(ParseDict({field.name: json}, parent()), field.name)
