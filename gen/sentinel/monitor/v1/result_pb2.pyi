import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sentinel.monitor.v1 import assertion_pb2 as _assertion_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_UP: _ClassVar[Outcome]
    OUTCOME_DOWN: _ClassVar[Outcome]
    OUTCOME_ERROR: _ClassVar[Outcome]
    OUTCOME_MISSED: _ClassVar[Outcome]

class ErrorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_KIND_UNSPECIFIED: _ClassVar[ErrorKind]
    ERROR_KIND_DNS: _ClassVar[ErrorKind]
    ERROR_KIND_CONNECT_REFUSED: _ClassVar[ErrorKind]
    ERROR_KIND_CONNECT_TIMEOUT: _ClassVar[ErrorKind]
    ERROR_KIND_TLS: _ClassVar[ErrorKind]
    ERROR_KIND_TIMEOUT: _ClassVar[ErrorKind]
    ERROR_KIND_PROTOCOL: _ClassVar[ErrorKind]
    ERROR_KIND_STATUS: _ClassVar[ErrorKind]
    ERROR_KIND_ASSERTION: _ClassVar[ErrorKind]
    ERROR_KIND_TOO_LARGE: _ClassVar[ErrorKind]
    ERROR_KIND_TOO_MANY_REDIRECTS: _ClassVar[ErrorKind]
    ERROR_KIND_BLOCKED_TARGET: _ClassVar[ErrorKind]
    ERROR_KIND_INTERNAL: _ClassVar[ErrorKind]
    ERROR_KIND_HEARTBEAT_OVERDUE: _ClassVar[ErrorKind]
    ERROR_KIND_HEARTBEAT_FAILED: _ClassVar[ErrorKind]
    ERROR_KIND_NO_SIGNAL_YET: _ClassVar[ErrorKind]

class MissedReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MISSED_REASON_UNSPECIFIED: _ClassVar[MissedReason]
    MISSED_REASON_NO_WORKER: _ClassVar[MissedReason]
    MISSED_REASON_OVERLOADED: _ClassVar[MissedReason]
    MISSED_REASON_DATABASE_AWAY: _ClassVar[MissedReason]
    MISSED_REASON_CLOCK_STEP: _ClassVar[MissedReason]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_UP: Outcome
OUTCOME_DOWN: Outcome
OUTCOME_ERROR: Outcome
OUTCOME_MISSED: Outcome
ERROR_KIND_UNSPECIFIED: ErrorKind
ERROR_KIND_DNS: ErrorKind
ERROR_KIND_CONNECT_REFUSED: ErrorKind
ERROR_KIND_CONNECT_TIMEOUT: ErrorKind
ERROR_KIND_TLS: ErrorKind
ERROR_KIND_TIMEOUT: ErrorKind
ERROR_KIND_PROTOCOL: ErrorKind
ERROR_KIND_STATUS: ErrorKind
ERROR_KIND_ASSERTION: ErrorKind
ERROR_KIND_TOO_LARGE: ErrorKind
ERROR_KIND_TOO_MANY_REDIRECTS: ErrorKind
ERROR_KIND_BLOCKED_TARGET: ErrorKind
ERROR_KIND_INTERNAL: ErrorKind
ERROR_KIND_HEARTBEAT_OVERDUE: ErrorKind
ERROR_KIND_HEARTBEAT_FAILED: ErrorKind
ERROR_KIND_NO_SIGNAL_YET: ErrorKind
MISSED_REASON_UNSPECIFIED: MissedReason
MISSED_REASON_NO_WORKER: MissedReason
MISSED_REASON_OVERLOADED: MissedReason
MISSED_REASON_DATABASE_AWAY: MissedReason
MISSED_REASON_CLOCK_STEP: MissedReason

class Phases(_message.Message):
    __slots__ = ("dns", "connect", "tls", "ttfb", "transfer")
    DNS_FIELD_NUMBER: _ClassVar[int]
    CONNECT_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    TTFB_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    dns: _duration_pb2.Duration
    connect: _duration_pb2.Duration
    tls: _duration_pb2.Duration
    ttfb: _duration_pb2.Duration
    transfer: _duration_pb2.Duration
    def __init__(self, dns: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., connect: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., tls: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., ttfb: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., transfer: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class FailedAttempt(_message.Message):
    __slots__ = ("error_kind", "error_message", "status_code")
    ERROR_KIND_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    error_kind: ErrorKind
    error_message: str
    status_code: int
    def __init__(self, error_kind: _Optional[_Union[ErrorKind, str]] = ..., error_message: _Optional[str] = ..., status_code: _Optional[int] = ...) -> None: ...

class CheckResult(_message.Message):
    __slots__ = ("service_id", "check_id", "slot_time", "start_time", "outcome", "error_kind", "error_message", "status_code", "phases", "total", "resolved_ip", "http_version", "tls_expire_time", "body_bytes", "redirects", "attempt", "worker_id", "missed_reason", "slot_count", "tls_version", "failed_assertions", "slow", "failed_attempts", "skipped_attempts", "tls_warning")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    SLOT_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ERROR_KIND_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    PHASES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_IP_FIELD_NUMBER: _ClassVar[int]
    HTTP_VERSION_FIELD_NUMBER: _ClassVar[int]
    TLS_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    REDIRECTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    MISSED_REASON_FIELD_NUMBER: _ClassVar[int]
    SLOT_COUNT_FIELD_NUMBER: _ClassVar[int]
    TLS_VERSION_FIELD_NUMBER: _ClassVar[int]
    FAILED_ASSERTIONS_FIELD_NUMBER: _ClassVar[int]
    SLOW_FIELD_NUMBER: _ClassVar[int]
    FAILED_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    TLS_WARNING_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    slot_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    outcome: Outcome
    error_kind: ErrorKind
    error_message: str
    status_code: int
    phases: Phases
    total: _duration_pb2.Duration
    resolved_ip: str
    http_version: str
    tls_expire_time: _timestamp_pb2.Timestamp
    body_bytes: int
    redirects: int
    attempt: int
    worker_id: str
    missed_reason: MissedReason
    slot_count: int
    tls_version: str
    failed_assertions: _containers.RepeatedCompositeFieldContainer[_assertion_pb2.AssertionOutcome]
    slow: bool
    failed_attempts: _containers.RepeatedCompositeFieldContainer[FailedAttempt]
    skipped_attempts: int
    tls_warning: str
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ..., slot_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., error_kind: _Optional[_Union[ErrorKind, str]] = ..., error_message: _Optional[str] = ..., status_code: _Optional[int] = ..., phases: _Optional[_Union[Phases, _Mapping]] = ..., total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resolved_ip: _Optional[str] = ..., http_version: _Optional[str] = ..., tls_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., body_bytes: _Optional[int] = ..., redirects: _Optional[int] = ..., attempt: _Optional[int] = ..., worker_id: _Optional[str] = ..., missed_reason: _Optional[_Union[MissedReason, str]] = ..., slot_count: _Optional[int] = ..., tls_version: _Optional[str] = ..., failed_assertions: _Optional[_Iterable[_Union[_assertion_pb2.AssertionOutcome, _Mapping]]] = ..., slow: _Optional[bool] = ..., failed_attempts: _Optional[_Iterable[_Union[FailedAttempt, _Mapping]]] = ..., skipped_attempts: _Optional[int] = ..., tls_warning: _Optional[str] = ...) -> None: ...
