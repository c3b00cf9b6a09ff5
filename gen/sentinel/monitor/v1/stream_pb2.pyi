import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamEndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_END_REASON_UNSPECIFIED: _ClassVar[StreamEndReason]
    STREAM_END_REASON_COMPLETE: _ClassVar[StreamEndReason]
    STREAM_END_REASON_SHUTTING_DOWN: _ClassVar[StreamEndReason]
    STREAM_END_REASON_SLOW_READER: _ClassVar[StreamEndReason]
    STREAM_END_REASON_TOKEN_EXPIRED: _ClassVar[StreamEndReason]
    STREAM_END_REASON_SESSION_ENDED: _ClassVar[StreamEndReason]
    STREAM_END_REASON_INTERNAL: _ClassVar[StreamEndReason]
STREAM_END_REASON_UNSPECIFIED: StreamEndReason
STREAM_END_REASON_COMPLETE: StreamEndReason
STREAM_END_REASON_SHUTTING_DOWN: StreamEndReason
STREAM_END_REASON_SLOW_READER: StreamEndReason
STREAM_END_REASON_TOKEN_EXPIRED: StreamEndReason
STREAM_END_REASON_SESSION_ENDED: StreamEndReason
STREAM_END_REASON_INTERNAL: StreamEndReason

class Heartbeat(_message.Message):
    __slots__ = ("time", "cursor")
    TIME_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    cursor: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

class StreamEnd(_message.Message):
    __slots__ = ("reason", "cursor")
    REASON_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    reason: StreamEndReason
    cursor: str
    def __init__(self, reason: _Optional[_Union[StreamEndReason, str]] = ..., cursor: _Optional[str] = ...) -> None: ...
