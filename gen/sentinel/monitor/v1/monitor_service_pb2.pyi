import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sentinel.monitor.v1 import check_pb2 as _check_pb2
from sentinel.monitor.v1 import incident_pb2 as _incident_pb2
from sentinel.monitor.v1 import maintenance_pb2 as _maintenance_pb2
from sentinel.monitor.v1 import result_pb2 as _result_pb2
from sentinel.monitor.v1 import service_pb2 as _service_pb2
from sentinel.monitor.v1 import stream_pb2 as _stream_pb2
from sentinel.options.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateServiceRequest(_message.Message):
    __slots__ = ("name", "url", "description", "labels", "request_id")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    url: str
    description: str
    labels: _containers.ScalarMap[str, str]
    request_id: str
    def __init__(self, name: _Optional[str] = ..., url: _Optional[str] = ..., description: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateServiceResponse(_message.Message):
    __slots__ = ("service",)
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    service: _service_pb2.Service
    def __init__(self, service: _Optional[_Union[_service_pb2.Service, _Mapping]] = ...) -> None: ...

class GetServiceRequest(_message.Message):
    __slots__ = ("service_id",)
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    def __init__(self, service_id: _Optional[str] = ...) -> None: ...

class GetServiceResponse(_message.Message):
    __slots__ = ("service",)
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    service: _service_pb2.Service
    def __init__(self, service: _Optional[_Union[_service_pb2.Service, _Mapping]] = ...) -> None: ...

class ListServicesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states", "labels", "text", "order_by")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[_service_pb2.ServiceState]
    labels: _containers.RepeatedScalarFieldContainer[str]
    text: str
    order_by: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_service_pb2.ServiceState, str]]] = ..., labels: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ..., order_by: _Optional[str] = ...) -> None: ...

class ListServicesResponse(_message.Message):
    __slots__ = ("services", "next_page_token", "total_size")
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    services: _containers.RepeatedCompositeFieldContainer[_service_pb2.Service]
    next_page_token: str
    total_size: int
    def __init__(self, services: _Optional[_Iterable[_Union[_service_pb2.Service, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class WatchServicesRequest(_message.Message):
    __slots__ = ("labels", "text", "cursor")
    LABELS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    labels: _containers.RepeatedScalarFieldContainer[str]
    text: str
    cursor: str
    def __init__(self, labels: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class WatchServicesResponse(_message.Message):
    __slots__ = ("service", "gone", "complete", "heartbeat", "end", "kept")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    GONE_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    service: WatchedService
    gone: ServiceGone
    complete: PictureComplete
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    kept: ServicesKept
    def __init__(self, service: _Optional[_Union[WatchedService, _Mapping]] = ..., gone: _Optional[_Union[ServiceGone, _Mapping]] = ..., complete: _Optional[_Union[PictureComplete, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ..., kept: _Optional[_Union[ServicesKept, _Mapping]] = ...) -> None: ...

class WatchedService(_message.Message):
    __slots__ = ("service", "state_time", "state_reason", "cursor")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    STATE_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    service: _service_pb2.Service
    state_time: _timestamp_pb2.Timestamp
    state_reason: str
    cursor: str
    def __init__(self, service: _Optional[_Union[_service_pb2.Service, _Mapping]] = ..., state_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state_reason: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class ServiceGone(_message.Message):
    __slots__ = ("service_id", "cursor")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    cursor: str
    def __init__(self, service_id: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class PictureComplete(_message.Message):
    __slots__ = ("forget_others", "service_ids", "cursor")
    FORGET_OTHERS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_IDS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    forget_others: bool
    service_ids: _containers.RepeatedScalarFieldContainer[str]
    cursor: str
    def __init__(self, forget_others: _Optional[bool] = ..., service_ids: _Optional[_Iterable[str]] = ..., cursor: _Optional[str] = ...) -> None: ...

class ServicesKept(_message.Message):
    __slots__ = ("service_ids",)
    SERVICE_IDS_FIELD_NUMBER: _ClassVar[int]
    service_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, service_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class UpdateServiceRequest(_message.Message):
    __slots__ = ("service", "update_mask")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    service: _service_pb2.Service
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, service: _Optional[_Union[_service_pb2.Service, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateServiceResponse(_message.Message):
    __slots__ = ("service",)
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    service: _service_pb2.Service
    def __init__(self, service: _Optional[_Union[_service_pb2.Service, _Mapping]] = ...) -> None: ...

class DeleteServiceRequest(_message.Message):
    __slots__ = ("service_id",)
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    def __init__(self, service_id: _Optional[str] = ...) -> None: ...

class DeleteServiceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServiceStatusRequest(_message.Message):
    __slots__ = ("service_id",)
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    def __init__(self, service_id: _Optional[str] = ...) -> None: ...

class GetServiceStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _service_pb2.ServiceStatus
    def __init__(self, status: _Optional[_Union[_service_pb2.ServiceStatus, _Mapping]] = ...) -> None: ...

class GetServiceUptimeRequest(_message.Message):
    __slots__ = ("service_id", "window", "start_time", "end_time", "bucket")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    window: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    bucket: str
    def __init__(self, service_id: _Optional[str] = ..., window: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., bucket: _Optional[str] = ...) -> None: ...

class GetServiceUptimeResponse(_message.Message):
    __slots__ = ("overall", "buckets")
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    overall: _service_pb2.Uptime
    buckets: _containers.RepeatedCompositeFieldContainer[_service_pb2.Uptime]
    def __init__(self, overall: _Optional[_Union[_service_pb2.Uptime, _Mapping]] = ..., buckets: _Optional[_Iterable[_Union[_service_pb2.Uptime, _Mapping]]] = ...) -> None: ...

class GetOverviewRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetOverviewResponse(_message.Message):
    __slots__ = ("overview",)
    OVERVIEW_FIELD_NUMBER: _ClassVar[int]
    overview: _service_pb2.Overview
    def __init__(self, overview: _Optional[_Union[_service_pb2.Overview, _Mapping]] = ...) -> None: ...

class CreateCheckRequest(_message.Message):
    __slots__ = ("service_id", "check", "request_id")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check: _check_pb2.Check
    request_id: str
    def __init__(self, service_id: _Optional[str] = ..., check: _Optional[_Union[_check_pb2.Check, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateCheckResponse(_message.Message):
    __slots__ = ("check", "heartbeat_token")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    check: _check_pb2.Check
    heartbeat_token: str
    def __init__(self, check: _Optional[_Union[_check_pb2.Check, _Mapping]] = ..., heartbeat_token: _Optional[str] = ...) -> None: ...

class GetCheckRequest(_message.Message):
    __slots__ = ("service_id", "check_id")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ...) -> None: ...

class GetCheckResponse(_message.Message):
    __slots__ = ("check",)
    CHECK_FIELD_NUMBER: _ClassVar[int]
    check: _check_pb2.Check
    def __init__(self, check: _Optional[_Union[_check_pb2.Check, _Mapping]] = ...) -> None: ...

class ListChecksRequest(_message.Message):
    __slots__ = ("service_id", "page_size", "page_token")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    page_size: int
    page_token: str
    def __init__(self, service_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListChecksResponse(_message.Message):
    __slots__ = ("checks", "next_page_token", "total_size")
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    checks: _containers.RepeatedCompositeFieldContainer[_check_pb2.Check]
    next_page_token: str
    total_size: int
    def __init__(self, checks: _Optional[_Iterable[_Union[_check_pb2.Check, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class UpdateCheckRequest(_message.Message):
    __slots__ = ("check", "update_mask")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    check: _check_pb2.Check
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, check: _Optional[_Union[_check_pb2.Check, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateCheckResponse(_message.Message):
    __slots__ = ("check",)
    CHECK_FIELD_NUMBER: _ClassVar[int]
    check: _check_pb2.Check
    def __init__(self, check: _Optional[_Union[_check_pb2.Check, _Mapping]] = ...) -> None: ...

class DeleteCheckRequest(_message.Message):
    __slots__ = ("service_id", "check_id")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ...) -> None: ...

class DeleteCheckResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PauseCheckRequest(_message.Message):
    __slots__ = ("service_id", "check_id")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ...) -> None: ...

class PauseCheckResponse(_message.Message):
    __slots__ = ("check",)
    CHECK_FIELD_NUMBER: _ClassVar[int]
    check: _check_pb2.Check
    def __init__(self, check: _Optional[_Union[_check_pb2.Check, _Mapping]] = ...) -> None: ...

class ResumeCheckRequest(_message.Message):
    __slots__ = ("service_id", "check_id")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ...) -> None: ...

class ResumeCheckResponse(_message.Message):
    __slots__ = ("check",)
    CHECK_FIELD_NUMBER: _ClassVar[int]
    check: _check_pb2.Check
    def __init__(self, check: _Optional[_Union[_check_pb2.Check, _Mapping]] = ...) -> None: ...

class RotateHeartbeatTokenRequest(_message.Message):
    __slots__ = ("service_id", "check_id")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ...) -> None: ...

class RotateHeartbeatTokenResponse(_message.Message):
    __slots__ = ("heartbeat_token",)
    HEARTBEAT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    heartbeat_token: str
    def __init__(self, heartbeat_token: _Optional[str] = ...) -> None: ...

class ListCheckResultsRequest(_message.Message):
    __slots__ = ("service_id", "check_id", "start_time", "end_time", "outcomes", "on_demand", "page_size", "page_token")
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    service_id: str
    check_id: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    outcomes: _containers.RepeatedScalarFieldContainer[_result_pb2.Outcome]
    on_demand: bool
    page_size: int
    page_token: str
    def __init__(self, service_id: _Optional[str] = ..., check_id: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcomes: _Optional[_Iterable[_Union[_result_pb2.Outcome, str]]] = ..., on_demand: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCheckResultsResponse(_message.Message):
    __slots__ = ("results", "next_page_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_result_pb2.CheckResult]
    next_page_token: str
    def __init__(self, results: _Optional[_Iterable[_Union[_result_pb2.CheckResult, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateMaintenanceWindowRequest(_message.Message):
    __slots__ = ("window", "request_id")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    window: _maintenance_pb2.MaintenanceWindow
    request_id: str
    def __init__(self, window: _Optional[_Union[_maintenance_pb2.MaintenanceWindow, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateMaintenanceWindowResponse(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: _maintenance_pb2.MaintenanceWindow
    def __init__(self, window: _Optional[_Union[_maintenance_pb2.MaintenanceWindow, _Mapping]] = ...) -> None: ...

class GetMaintenanceWindowRequest(_message.Message):
    __slots__ = ("maintenance_window_id",)
    MAINTENANCE_WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    maintenance_window_id: str
    def __init__(self, maintenance_window_id: _Optional[str] = ...) -> None: ...

class GetMaintenanceWindowResponse(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: _maintenance_pb2.MaintenanceWindow
    def __init__(self, window: _Optional[_Union[_maintenance_pb2.MaintenanceWindow, _Mapping]] = ...) -> None: ...

class ListMaintenanceWindowsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMaintenanceWindowsResponse(_message.Message):
    __slots__ = ("windows", "next_page_token", "total_size")
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    windows: _containers.RepeatedCompositeFieldContainer[_maintenance_pb2.MaintenanceWindow]
    next_page_token: str
    total_size: int
    def __init__(self, windows: _Optional[_Iterable[_Union[_maintenance_pb2.MaintenanceWindow, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class UpdateMaintenanceWindowRequest(_message.Message):
    __slots__ = ("window", "update_mask")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    window: _maintenance_pb2.MaintenanceWindow
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, window: _Optional[_Union[_maintenance_pb2.MaintenanceWindow, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateMaintenanceWindowResponse(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: _maintenance_pb2.MaintenanceWindow
    def __init__(self, window: _Optional[_Union[_maintenance_pb2.MaintenanceWindow, _Mapping]] = ...) -> None: ...

class DeleteMaintenanceWindowRequest(_message.Message):
    __slots__ = ("maintenance_window_id",)
    MAINTENANCE_WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    maintenance_window_id: str
    def __init__(self, maintenance_window_id: _Optional[str] = ...) -> None: ...

class DeleteMaintenanceWindowResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListIncidentsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state", "service_id", "start_time", "end_time")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: _incident_pb2.IncidentState
    service_id: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[_incident_pb2.IncidentState, str]] = ..., service_id: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListIncidentsResponse(_message.Message):
    __slots__ = ("incidents", "next_page_token", "total_size")
    INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    incidents: _containers.RepeatedCompositeFieldContainer[_incident_pb2.Incident]
    next_page_token: str
    total_size: int
    def __init__(self, incidents: _Optional[_Iterable[_Union[_incident_pb2.Incident, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class GetIncidentRequest(_message.Message):
    __slots__ = ("incident_id",)
    INCIDENT_ID_FIELD_NUMBER: _ClassVar[int]
    incident_id: str
    def __init__(self, incident_id: _Optional[str] = ...) -> None: ...

class GetIncidentResponse(_message.Message):
    __slots__ = ("incident", "timeline")
    INCIDENT_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    incident: _incident_pb2.Incident
    timeline: _containers.RepeatedCompositeFieldContainer[_incident_pb2.IncidentEvent]
    def __init__(self, incident: _Optional[_Union[_incident_pb2.Incident, _Mapping]] = ..., timeline: _Optional[_Iterable[_Union[_incident_pb2.IncidentEvent, _Mapping]]] = ...) -> None: ...

class AcknowledgeIncidentRequest(_message.Message):
    __slots__ = ("incident_id", "note")
    INCIDENT_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    incident_id: str
    note: str
    def __init__(self, incident_id: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class AcknowledgeIncidentResponse(_message.Message):
    __slots__ = ("incident",)
    INCIDENT_FIELD_NUMBER: _ClassVar[int]
    incident: _incident_pb2.Incident
    def __init__(self, incident: _Optional[_Union[_incident_pb2.Incident, _Mapping]] = ...) -> None: ...

class AddIncidentNoteRequest(_message.Message):
    __slots__ = ("incident_id", "note")
    INCIDENT_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    incident_id: str
    note: str
    def __init__(self, incident_id: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class AddIncidentNoteResponse(_message.Message):
    __slots__ = ("incident",)
    INCIDENT_FIELD_NUMBER: _ClassVar[int]
    incident: _incident_pb2.Incident
    def __init__(self, incident: _Optional[_Union[_incident_pb2.Incident, _Mapping]] = ...) -> None: ...

class ResolveIncidentRequest(_message.Message):
    __slots__ = ("incident_id", "note")
    INCIDENT_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    incident_id: str
    note: str
    def __init__(self, incident_id: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class ResolveIncidentResponse(_message.Message):
    __slots__ = ("incident",)
    INCIDENT_FIELD_NUMBER: _ClassVar[int]
    incident: _incident_pb2.Incident
    def __init__(self, incident: _Optional[_Union[_incident_pb2.Incident, _Mapping]] = ...) -> None: ...
