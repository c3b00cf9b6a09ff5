from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class DnsCheck(_message.Message):
    __slots__ = ("name", "type", "expected", "server")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    expected: _containers.RepeatedScalarFieldContainer[str]
    server: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., expected: _Optional[_Iterable[str]] = ..., server: _Optional[str] = ...) -> None: ...
