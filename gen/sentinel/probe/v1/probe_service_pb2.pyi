import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sentinel.monitor.v1 import assertion_pb2 as _assertion_pb2
from sentinel.monitor.v1 import check_pb2 as _check_pb2
from sentinel.monitor.v1 import result_pb2 as _result_pb2
from sentinel.monitor.v1 import stream_pb2 as _stream_pb2
from sentinel.options.v1 import access_pb2 as _access_pb2
from sentinel.probe.v1 import worker_pb2 as _worker_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PHASE_UNSPECIFIED: _ClassVar[Phase]
    PHASE_DNS: _ClassVar[Phase]
    PHASE_CONNECT: _ClassVar[Phase]
    PHASE_TLS: _ClassVar[Phase]
    PHASE_TTFB: _ClassVar[Phase]
    PHASE_TRANSFER: _ClassVar[Phase]
PHASE_UNSPECIFIED: Phase
PHASE_DNS: Phase
PHASE_CONNECT: Phase
PHASE_TLS: Phase
PHASE_TTFB: Phase
PHASE_TRANSFER: Phase

class StreamResultsRequest(_message.Message):
    __slots__ = ("service_id", "check_id", "cursor")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    cursor: str
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class StreamResultsResponse(_message.Message):
    __slots__ = ("result", "heartbeat", "end")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    result: ResultEvent
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    def __init__(self, result: _Optional[_Union[ResultEvent, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class ResultEvent(_message.Message):
    __slots__ = ("result", "cursor")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    result: _result_pb2.CheckResult
    cursor: str
    def __init__(self, result: _Optional[_Union[_result_pb2.CheckResult, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

class RunCheckRequest(_message.Message):
    __slots__ = ("service_id", "check_id")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ...) -> None: ...

class RunCheckResponse(_message.Message):
    __slots__ = ("phase", "result", "heartbeat", "end", "facts")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    phase: PhaseEvent
    result: _result_pb2.CheckResult
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    facts: FactsEvent
    def __init__(self, phase: _Optional[_Union[PhaseEvent, _Mapping]] = ..., result: _Optional[_Union[_result_pb2.CheckResult, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ..., facts: _Optional[_Union[FactsEvent, _Mapping]] = ...) -> None: ...

class TryCheckRequest(_message.Message):
    __slots__ = ("check",)
    CHECK_FIELD_NUMBER: _ClassVar[int]
    check: _check_pb2.Check
    def __init__(self, check: _Optional[_Union[_check_pb2.Check, _Mapping]] = ...) -> None: ...

class TryCheckResponse(_message.Message):
    __slots__ = ("phase", "facts", "result", "heartbeat", "end")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    phase: PhaseEvent
    facts: FactsEvent
    result: _result_pb2.CheckResult
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    def __init__(self, phase: _Optional[_Union[PhaseEvent, _Mapping]] = ..., facts: _Optional[_Union[FactsEvent, _Mapping]] = ..., result: _Optional[_Union[_result_pb2.CheckResult, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class FactsEvent(_message.Message):
    __slots__ = ("attempt", "resolved_ip", "status_code", "headers", "body_preview", "body_cut", "certificate_expire_time", "assertions")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_IP_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    BODY_CUT_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ASSERTIONS_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    resolved_ip: str
    status_code: int
    headers: _containers.RepeatedCompositeFieldContainer[AnswerHeader]
    body_preview: str
    body_cut: bool
    certificate_expire_time: _timestamp_pb2.Timestamp
    assertions: _containers.RepeatedCompositeFieldContainer[_assertion_pb2.AssertionOutcome]
    def __init__(self, attempt: _Optional[int] = ..., resolved_ip: _Optional[str] = ..., status_code: _Optional[int] = ..., headers: _Optional[_Iterable[_Union[AnswerHeader, _Mapping]]] = ..., body_preview: _Optional[str] = ..., body_cut: _Optional[bool] = ..., certificate_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., assertions: _Optional[_Iterable[_Union[_assertion_pb2.AssertionOutcome, _Mapping]]] = ...) -> None: ...

class AnswerHeader(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class EvaluateAssertionsRequest(_message.Message):
    __slots__ = ("assertions", "given", "recorded")
    ASSERTIONS_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    assertions: _containers.RepeatedCompositeFieldContainer[_assertion_pb2.Assertion]
    given: GivenAnswer
    recorded: RecordedAnswer
    def __init__(self, assertions: _Optional[_Iterable[_Union[_assertion_pb2.Assertion, _Mapping]]] = ..., given: _Optional[_Union[GivenAnswer, _Mapping]] = ..., recorded: _Optional[_Union[RecordedAnswer, _Mapping]] = ...) -> None: ...

class GivenAnswer(_message.Message):
    __slots__ = ("status_code", "headers", "body", "total", "certificate_expire_time")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    status_code: int
    headers: _containers.RepeatedCompositeFieldContainer[AnswerHeader]
    body: str
    total: _duration_pb2.Duration
    certificate_expire_time: _timestamp_pb2.Timestamp
    def __init__(self, status_code: _Optional[int] = ..., headers: _Optional[_Iterable[_Union[AnswerHeader, _Mapping]]] = ..., body: _Optional[str] = ..., total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., certificate_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RecordedAnswer(_message.Message):
    __slots__ = ("service_id", "check_id", "slot_time", "on_demand")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    SLOT_TIME_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    slot_time: _timestamp_pb2.Timestamp
    on_demand: bool
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ..., slot_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., on_demand: _Optional[bool] = ...) -> None: ...

class EvaluateAssertionsResponse(_message.Message):
    __slots__ = ("outcomes", "outcome", "slow")
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    SLOW_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[_assertion_pb2.AssertionOutcome]
    outcome: _result_pb2.Outcome
    slow: bool
    def __init__(self, outcomes: _Optional[_Iterable[_Union[_assertion_pb2.AssertionOutcome, _Mapping]]] = ..., outcome: _Optional[_Union[_result_pb2.Outcome, str]] = ..., slow: _Optional[bool] = ...) -> None: ...

class PhaseEvent(_message.Message):
    __slots__ = ("phase", "elapsed")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    phase: Phase
    elapsed: _duration_pb2.Duration
    def __init__(self, phase: _Optional[_Union[Phase, str]] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReportHeartbeatRequest(_message.Message):
    __slots__ = ("token", "result")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    token: str
    result: str
    def __init__(self, token: _Optional[str] = ..., result: _Optional[str] = ...) -> None: ...

class ReportHeartbeatResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListWorkersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ("workers", "next_page_token", "total_size")
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    workers: _containers.RepeatedCompositeFieldContainer[_worker_pb2.Worker]
    next_page_token: str
    total_size: int
    def __init__(self, workers: _Optional[_Iterable[_Union[_worker_pb2.Worker, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...
