from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class TcpCheck(_message.Message):
    __slots__ = ("host", "port", "send", "expect")
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    SEND_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    host: str
    port: int
    send: str
    expect: str
    def __init__(self, host: _Optional[str] = ..., port: _Optional[int] = ..., send: _Optional[str] = ..., expect: _Optional[str] = ...) -> None: ...
