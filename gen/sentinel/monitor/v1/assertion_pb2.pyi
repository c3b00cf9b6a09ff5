import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TimedPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIMED_PHASE_UNSPECIFIED: _ClassVar[TimedPhase]
    TIMED_PHASE_DNS: _ClassVar[TimedPhase]
    TIMED_PHASE_CONNECT: _ClassVar[TimedPhase]
    TIMED_PHASE_TLS: _ClassVar[TimedPhase]
    TIMED_PHASE_TTFB: _ClassVar[TimedPhase]
    TIMED_PHASE_TRANSFER: _ClassVar[TimedPhase]

class AssertionStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASSERTION_STATUS_UNSPECIFIED: _ClassVar[AssertionStatus]
    ASSERTION_STATUS_PASSED: _ClassVar[AssertionStatus]
    ASSERTION_STATUS_FAILED: _ClassVar[AssertionStatus]
    ASSERTION_STATUS_UNKNOWN: _ClassVar[AssertionStatus]
TIMED_PHASE_UNSPECIFIED: TimedPhase
TIMED_PHASE_DNS: TimedPhase
TIMED_PHASE_CONNECT: TimedPhase
TIMED_PHASE_TLS: TimedPhase
TIMED_PHASE_TTFB: TimedPhase
TIMED_PHASE_TRANSFER: TimedPhase
ASSERTION_STATUS_UNSPECIFIED: AssertionStatus
ASSERTION_STATUS_PASSED: AssertionStatus
ASSERTION_STATUS_FAILED: AssertionStatus
ASSERTION_STATUS_UNKNOWN: AssertionStatus

class Assertion(_message.Message):
    __slots__ = ("status", "body_contains", "body_not_contains", "body_matches", "json_path", "header", "certificate_days_left", "max_total_time", "max_phase_time", "only_slow")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BODY_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    BODY_NOT_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    BODY_MATCHES_FIELD_NUMBER: _ClassVar[int]
    JSON_PATH_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_DAYS_LEFT_FIELD_NUMBER: _ClassVar[int]
    MAX_TOTAL_TIME_FIELD_NUMBER: _ClassVar[int]
    MAX_PHASE_TIME_FIELD_NUMBER: _ClassVar[int]
    ONLY_SLOW_FIELD_NUMBER: _ClassVar[int]
    status: StatusAssertion
    body_contains: str
    body_not_contains: str
    body_matches: str
    json_path: JsonPathAssertion
    header: HeaderAssertion
    certificate_days_left: int
    max_total_time: _duration_pb2.Duration
    max_phase_time: PhaseLimit
    only_slow: bool
    def __init__(self, status: _Optional[_Union[StatusAssertion, _Mapping]] = ..., body_contains: _Optional[str] = ..., body_not_contains: _Optional[str] = ..., body_matches: _Optional[str] = ..., json_path: _Optional[_Union[JsonPathAssertion, _Mapping]] = ..., header: _Optional[_Union[HeaderAssertion, _Mapping]] = ..., certificate_days_left: _Optional[int] = ..., max_total_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_phase_time: _Optional[_Union[PhaseLimit, _Mapping]] = ..., only_slow: _Optional[bool] = ...) -> None: ...

class StatusAssertion(_message.Message):
    __slots__ = ("codes", "ranges")
    CODES_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    codes: _containers.RepeatedScalarFieldContainer[int]
    ranges: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, codes: _Optional[_Iterable[int]] = ..., ranges: _Optional[_Iterable[str]] = ...) -> None: ...

class JsonPathAssertion(_message.Message):
    __slots__ = ("path", "equals", "not_equals", "exists", "matches", "less_than", "at_most", "greater_than", "at_least", "equals_text", "not_equals_text")
    PATH_FIELD_NUMBER: _ClassVar[int]
    EQUALS_FIELD_NUMBER: _ClassVar[int]
    NOT_EQUALS_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    LESS_THAN_FIELD_NUMBER: _ClassVar[int]
    AT_MOST_FIELD_NUMBER: _ClassVar[int]
    GREATER_THAN_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    EQUALS_TEXT_FIELD_NUMBER: _ClassVar[int]
    NOT_EQUALS_TEXT_FIELD_NUMBER: _ClassVar[int]
    path: str
    equals: _struct_pb2.Value
    not_equals: _struct_pb2.Value
    exists: bool
    matches: str
    less_than: float
    at_most: float
    greater_than: float
    at_least: float
    equals_text: str
    not_equals_text: str
    def __init__(self, path: _Optional[str] = ..., equals: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., not_equals: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., exists: _Optional[bool] = ..., matches: _Optional[str] = ..., less_than: _Optional[float] = ..., at_most: _Optional[float] = ..., greater_than: _Optional[float] = ..., at_least: _Optional[float] = ..., equals_text: _Optional[str] = ..., not_equals_text: _Optional[str] = ...) -> None: ...

class HeaderAssertion(_message.Message):
    __slots__ = ("name", "equals", "contains", "matches", "exists")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EQUALS_FIELD_NUMBER: _ClassVar[int]
    CONTAINS_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    equals: str
    contains: str
    matches: str
    exists: bool
    def __init__(self, name: _Optional[str] = ..., equals: _Optional[str] = ..., contains: _Optional[str] = ..., matches: _Optional[str] = ..., exists: _Optional[bool] = ...) -> None: ...

class PhaseLimit(_message.Message):
    __slots__ = ("phase", "limit")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    phase: TimedPhase
    limit: _duration_pb2.Duration
    def __init__(self, phase: _Optional[_Union[TimedPhase, str]] = ..., limit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class AssertionOutcome(_message.Message):
    __slots__ = ("index", "subject", "status", "expected", "actual", "only_slow")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_FIELD_NUMBER: _ClassVar[int]
    ONLY_SLOW_FIELD_NUMBER: _ClassVar[int]
    index: int
    subject: str
    status: AssertionStatus
    expected: str
    actual: str
    only_slow: bool
    def __init__(self, index: _Optional[int] = ..., subject: _Optional[str] = ..., status: _Optional[_Union[AssertionStatus, str]] = ..., expected: _Optional[str] = ..., actual: _Optional[str] = ..., only_slow: _Optional[bool] = ...) -> None: ...
