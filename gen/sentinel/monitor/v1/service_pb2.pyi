import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sentinel.monitor.v1 import check_pb2 as _check_pb2
from sentinel.monitor.v1 import incident_pb2 as _incident_pb2
from sentinel.monitor.v1 import result_pb2 as _result_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServiceState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERVICE_STATE_UNSPECIFIED: _ClassVar[ServiceState]
    SERVICE_STATE_UP: _ClassVar[ServiceState]
    SERVICE_STATE_DEGRADED: _ClassVar[ServiceState]
    SERVICE_STATE_DOWN: _ClassVar[ServiceState]
    SERVICE_STATE_UNKNOWN: _ClassVar[ServiceState]
    SERVICE_STATE_PAUSED: _ClassVar[ServiceState]
    SERVICE_STATE_MAINTENANCE: _ClassVar[ServiceState]
SERVICE_STATE_UNSPECIFIED: ServiceState
SERVICE_STATE_UP: ServiceState
SERVICE_STATE_DEGRADED: ServiceState
SERVICE_STATE_DOWN: ServiceState
SERVICE_STATE_UNKNOWN: ServiceState
SERVICE_STATE_PAUSED: ServiceState
SERVICE_STATE_MAINTENANCE: ServiceState

class Service(_message.Message):
    __slots__ = ("id", "name", "url", "description", "labels", "state", "create_time", "update_time", "etag", "open_incidents", "uptime")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    OPEN_INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    url: str
    description: str
    labels: _containers.ScalarMap[str, str]
    state: ServiceState
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    open_incidents: int
    uptime: Uptime
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., url: _Optional[str] = ..., description: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., state: _Optional[_Union[ServiceState, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., open_incidents: _Optional[int] = ..., uptime: _Optional[_Union[Uptime, _Mapping]] = ...) -> None: ...

class Uptime(_message.Message):
    __slots__ = ("window", "start_time", "end_time", "ratio", "success_ratio", "coverage", "up", "down", "unknown", "latency", "up_slots", "down_slots", "error_slots", "missed_slots", "incidents", "resolved_incidents", "mttr", "mtbf", "slow_slots", "slow_ratio")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    RATIO_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATIO_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    UP_FIELD_NUMBER: _ClassVar[int]
    DOWN_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    UP_SLOTS_FIELD_NUMBER: _ClassVar[int]
    DOWN_SLOTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_SLOTS_FIELD_NUMBER: _ClassVar[int]
    MISSED_SLOTS_FIELD_NUMBER: _ClassVar[int]
    INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    MTTR_FIELD_NUMBER: _ClassVar[int]
    MTBF_FIELD_NUMBER: _ClassVar[int]
    SLOW_SLOTS_FIELD_NUMBER: _ClassVar[int]
    SLOW_RATIO_FIELD_NUMBER: _ClassVar[int]
    window: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    ratio: float
    success_ratio: float
    coverage: float
    up: _duration_pb2.Duration
    down: _duration_pb2.Duration
    unknown: _duration_pb2.Duration
    latency: Latency
    up_slots: int
    down_slots: int
    error_slots: int
    missed_slots: int
    incidents: int
    resolved_incidents: int
    mttr: _duration_pb2.Duration
    mtbf: _duration_pb2.Duration
    slow_slots: int
    slow_ratio: float
    def __init__(self, window: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ratio: _Optional[float] = ..., success_ratio: _Optional[float] = ..., coverage: _Optional[float] = ..., up: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., down: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., unknown: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., latency: _Optional[_Union[Latency, _Mapping]] = ..., up_slots: _Optional[int] = ..., down_slots: _Optional[int] = ..., error_slots: _Optional[int] = ..., missed_slots: _Optional[int] = ..., incidents: _Optional[int] = ..., resolved_incidents: _Optional[int] = ..., mttr: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., mtbf: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., slow_slots: _Optional[int] = ..., slow_ratio: _Optional[float] = ...) -> None: ...

class Latency(_message.Message):
    __slots__ = ("p50", "p95", "p99")
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    p50: _duration_pb2.Duration
    p95: _duration_pb2.Duration
    p99: _duration_pb2.Duration
    def __init__(self, p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CheckStatus(_message.Message):
    __slots__ = ("check_id", "name", "state", "state_time", "last_result", "state_reason")
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_RESULT_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    check_id: str
    name: str
    state: _check_pb2.CheckState
    state_time: _timestamp_pb2.Timestamp
    last_result: _result_pb2.CheckResult
    state_reason: str
    def __init__(self, check_id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[_check_pb2.CheckState, str]] = ..., state_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_result: _Optional[_Union[_result_pb2.CheckResult, _Mapping]] = ..., state_reason: _Optional[str] = ...) -> None: ...

class ServiceStatus(_message.Message):
    __slots__ = ("service_id", "state", "uptime", "checks", "open_incidents", "state_reason", "state_time")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    OPEN_INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_TIME_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    state: ServiceState
    uptime: _containers.RepeatedCompositeFieldContainer[Uptime]
    checks: _containers.RepeatedCompositeFieldContainer[CheckStatus]
    open_incidents: int
    state_reason: str
    state_time: _timestamp_pb2.Timestamp
    def __init__(self, service_id: _Optional[str] = ..., state: _Optional[_Union[ServiceState, str]] = ..., uptime: _Optional[_Iterable[_Union[Uptime, _Mapping]]] = ..., checks: _Optional[_Iterable[_Union[CheckStatus, _Mapping]]] = ..., open_incidents: _Optional[int] = ..., state_reason: _Optional[str] = ..., state_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Overview(_message.Message):
    __slots__ = ("services", "uptime", "slowest_checks", "workers", "open_incidents", "newest_open_incidents")
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    SLOWEST_CHECKS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    OPEN_INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    NEWEST_OPEN_INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    services: _containers.RepeatedCompositeFieldContainer[ServiceCount]
    uptime: Uptime
    slowest_checks: _containers.RepeatedCompositeFieldContainer[SlowCheck]
    workers: WorkerCoverage
    open_incidents: int
    newest_open_incidents: _containers.RepeatedCompositeFieldContainer[_incident_pb2.Incident]
    def __init__(self, services: _Optional[_Iterable[_Union[ServiceCount, _Mapping]]] = ..., uptime: _Optional[_Union[Uptime, _Mapping]] = ..., slowest_checks: _Optional[_Iterable[_Union[SlowCheck, _Mapping]]] = ..., workers: _Optional[_Union[WorkerCoverage, _Mapping]] = ..., open_incidents: _Optional[int] = ..., newest_open_incidents: _Optional[_Iterable[_Union[_incident_pb2.Incident, _Mapping]]] = ...) -> None: ...

class ServiceCount(_message.Message):
    __slots__ = ("state", "count")
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    state: ServiceState
    count: int
    def __init__(self, state: _Optional[_Union[ServiceState, str]] = ..., count: _Optional[int] = ...) -> None: ...

class SlowCheck(_message.Message):
    __slots__ = ("service_id", "check_id", "service_name", "check_name", "p95")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    CHECK_NAME_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    service_name: str
    check_name: str
    p95: _duration_pb2.Duration
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ..., service_name: _Optional[str] = ..., check_name: _Optional[str] = ..., p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WorkerCoverage(_message.Message):
    __slots__ = ("live_workers", "shards_held", "shards")
    LIVE_WORKERS_FIELD_NUMBER: _ClassVar[int]
    SHARDS_HELD_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    live_workers: int
    shards_held: int
    shards: int
    def __init__(self, live_workers: _Optional[int] = ..., shards_held: _Optional[int] = ..., shards: _Optional[int] = ...) -> None: ...
