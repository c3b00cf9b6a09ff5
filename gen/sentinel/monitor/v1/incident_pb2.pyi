import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sentinel.auth.v1 import audit_pb2 as _audit_pb2
from sentinel.monitor.v1 import assertion_pb2 as _assertion_pb2
from sentinel.monitor.v1 import result_pb2 as _result_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IncidentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INCIDENT_STATE_UNSPECIFIED: _ClassVar[IncidentState]
    INCIDENT_STATE_OPEN: _ClassVar[IncidentState]
    INCIDENT_STATE_RESOLVED: _ClassVar[IncidentState]

class IncidentResolution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INCIDENT_RESOLUTION_UNSPECIFIED: _ClassVar[IncidentResolution]
    INCIDENT_RESOLUTION_RECOVERED: _ClassVar[IncidentResolution]
    INCIDENT_RESOLUTION_BY_HAND: _ClassVar[IncidentResolution]
    INCIDENT_RESOLUTION_CHECK_PAUSED: _ClassVar[IncidentResolution]
    INCIDENT_RESOLUTION_CHECK_DELETED: _ClassVar[IncidentResolution]

class IncidentEventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INCIDENT_EVENT_KIND_UNSPECIFIED: _ClassVar[IncidentEventKind]
    INCIDENT_EVENT_KIND_OPENED: _ClassVar[IncidentEventKind]
    INCIDENT_EVENT_KIND_ACKNOWLEDGED: _ClassVar[IncidentEventKind]
    INCIDENT_EVENT_KIND_NOTE: _ClassVar[IncidentEventKind]
    INCIDENT_EVENT_KIND_RESOLVED: _ClassVar[IncidentEventKind]
INCIDENT_STATE_UNSPECIFIED: IncidentState
INCIDENT_STATE_OPEN: IncidentState
INCIDENT_STATE_RESOLVED: IncidentState
INCIDENT_RESOLUTION_UNSPECIFIED: IncidentResolution
INCIDENT_RESOLUTION_RECOVERED: IncidentResolution
INCIDENT_RESOLUTION_BY_HAND: IncidentResolution
INCIDENT_RESOLUTION_CHECK_PAUSED: IncidentResolution
INCIDENT_RESOLUTION_CHECK_DELETED: IncidentResolution
INCIDENT_EVENT_KIND_UNSPECIFIED: IncidentEventKind
INCIDENT_EVENT_KIND_OPENED: IncidentEventKind
INCIDENT_EVENT_KIND_ACKNOWLEDGED: IncidentEventKind
INCIDENT_EVENT_KIND_NOTE: IncidentEventKind
INCIDENT_EVENT_KIND_RESOLVED: IncidentEventKind

class IncidentCause(_message.Message):
    __slots__ = ("error_kind", "error_message", "status_code")
    ERROR_KIND_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    error_kind: _result_pb2.ErrorKind
    error_message: str
    status_code: int
    def __init__(self, error_kind: _Optional[_Union[_result_pb2.ErrorKind, str]] = ..., error_message: _Optional[str] = ..., status_code: _Optional[int] = ...) -> None: ...

class Incident(_message.Message):
    __slots__ = ("id", "service_id", "service_name", "check_id", "check_name", "state", "start_time", "detect_time", "end_time", "duration", "resolution", "acknowledge_time", "cause", "phases", "total", "last_cause", "failed_assertions")
    ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DETECT_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_TIME_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    PHASES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    LAST_CAUSE_FIELD_NUMBER: _ClassVar[int]
    FAILED_ASSERTIONS_FIELD_NUMBER: _ClassVar[int]
    id: str
    service_id: str
    service_name: str
    check_id: str
    check_name: str
    state: IncidentState
    start_time: _timestamp_pb2.Timestamp
    detect_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    duration: _duration_pb2.Duration
    resolution: IncidentResolution
    acknowledge_time: _timestamp_pb2.Timestamp
    cause: IncidentCause
    phases: _result_pb2.Phases
    total: _duration_pb2.Duration
    last_cause: IncidentCause
    failed_assertions: _containers.RepeatedCompositeFieldContainer[_assertion_pb2.AssertionOutcome]
    def __init__(self, id: _Optional[str] = ..., service_id: _Optional[str] = ..., service_name: _Optional[str] = ..., check_id: _Optional[str] = ..., check_name: _Optional[str] = ..., state: _Optional[_Union[IncidentState, str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., detect_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resolution: _Optional[_Union[IncidentResolution, str]] = ..., acknowledge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cause: _Optional[_Union[IncidentCause, _Mapping]] = ..., phases: _Optional[_Union[_result_pb2.Phases, _Mapping]] = ..., total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., last_cause: _Optional[_Union[IncidentCause, _Mapping]] = ..., failed_assertions: _Optional[_Iterable[_Union[_assertion_pb2.AssertionOutcome, _Mapping]]] = ...) -> None: ...

class IncidentEvent(_message.Message):
    __slots__ = ("id", "create_time", "kind", "actor", "note")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    id: str
    create_time: _timestamp_pb2.Timestamp
    kind: IncidentEventKind
    actor: IncidentActor
    note: str
    def __init__(self, id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[IncidentEventKind, str]] = ..., actor: _Optional[_Union[IncidentActor, _Mapping]] = ..., note: _Optional[str] = ...) -> None: ...

class IncidentActor(_message.Message):
    __slots__ = ("kind", "id", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: _audit_pb2.ActorKind
    id: str
    name: str
    def __init__(self, kind: _Optional[_Union[_audit_pb2.ActorKind, str]] = ..., id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...
