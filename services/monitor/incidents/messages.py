"""Conversion between incidents and the contract's messages."""

from google.protobuf.timestamp_pb2 import Timestamp
from sentinel.monitor.v1 import incident_pb2, monitor_service_pb2

from services.checks.assertion_outcome import to_message as outcome_message
from services.checks.result import RunDetails, phases_message
from services.monitor.incidents.incident import Cause, Incident, IncidentEvent, IncidentState
from services.monitor.incidents.incidents import IncidentFilter
from services.platform.clock import from_timestamp, now_us, to_duration, to_timestamp
from services.platform.ids import optional_id


def incident_filter(request: monitor_service_pb2.ListIncidentsRequest) -> IncidentFilter:
    """Return the filter of a request."""

    def moment(name: str, value: Timestamp) -> int | None:
        return from_timestamp(value) if request.HasField(name) else None

    return IncidentFilter(
        IncidentState(request.state) if request.state else None,
        optional_id(request.service_id),
        moment("start_time", request.start_time),
        moment("end_time", request.end_time),
    )


def incident_message(incident: Incident) -> incident_pb2.Incident:
    """Return an incident as a message."""
    first = incident.first or RunDetails()
    return incident_pb2.Incident(
        id=str(incident.id),
        service_id=str(incident.service_id),
        service_name=incident.service_name,
        check_id=str(incident.check_id),
        check_name=incident.check_name,
        state=f"INCIDENT_STATE_{incident.state.name}",
        start_time=to_timestamp(incident.start_us),
        detect_time=to_timestamp(incident.detect_us),
        end_time=to_timestamp(incident.end_us),
        duration=to_duration(incident.duration_us(now_us())),
        resolution=f"INCIDENT_RESOLUTION_{incident.resolution.name}" if incident.resolution else None,
        acknowledge_time=to_timestamp(incident.acknowledge_us),
        cause=_cause(incident.cause),
        phases=phases_message(first),
        total=to_duration(first.total_us),
        last_cause=_cause(incident.last_cause),
        failed_assertions=[outcome_message(each) for each in first.failed_assertions],
    )


def event_message(event: IncidentEvent) -> incident_pb2.IncidentEvent:
    """Return an event of the timeline as a message."""
    actor = event.actor
    return incident_pb2.IncidentEvent(
        id=str(event.id),
        create_time=to_timestamp(event.create_us),
        kind=f"INCIDENT_EVENT_KIND_{event.kind.name}",
        actor=incident_pb2.IncidentActor(kind=f"ACTOR_KIND_{actor.kind.name}", id=str(actor.id), name=actor.name)
        if actor
        else None,
        note=event.note,
    )


def _cause(cause: Cause | None) -> incident_pb2.IncidentCause | None:
    if cause is None:
        return None
    return incident_pb2.IncidentCause(
        # The numbers are the contract's; a test verifies it.
        error_kind=cause.error_kind.value if cause.error_kind else None,  # type: ignore[arg-type]
        error_message=cause.error_message,
        status_code=cause.status_code,
    )
