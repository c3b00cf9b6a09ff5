"""Conversion between services, checks and filters and the contract's messages."""

from collections.abc import Iterable

from sentinel.monitor.v1 import check_pb2, monitor_service_pb2, service_pb2

from services.checks.check_settings import given_settings, write_settings
from services.checks.outcome import Outcome
from services.checks.specs.kinds import spec_of
from services.monitor.drafts import CheckDraft, ServiceDraft
from services.monitor.figures.messages import uptime_message
from services.monitor.model import Check, Service, ServiceState, StatefulService, TrackedCheck
from services.monitor.results import ResultFilter
from services.monitor.services import ServiceFilter, ServiceOrder
from services.platform.clock import from_timestamp, now_us, to_timestamp


def service_draft(message: service_pb2.Service | monitor_service_pb2.CreateServiceRequest) -> ServiceDraft:
    """Return the writable fields of a message."""
    return ServiceDraft(message.name, message.url, message.description, dict(message.labels))


def service_settings(service: Service) -> service_pb2.Service:
    """Return the writable fields of a service as a message."""
    return service_pb2.Service(
        name=service.name, url=service.url, description=service.description, labels=service.labels
    )


def service_message(row: StatefulService) -> service_pb2.Service:
    """Return a service as a message."""
    service = row.service
    message = service_settings(service)
    message.MergeFrom(
        service_pb2.Service(
            id=str(service.id),
            state=f"SERVICE_STATE_{row.state.name}",
            create_time=to_timestamp(service.create_us),
            update_time=to_timestamp(service.update_us),
            etag=service.etag,
            open_incidents=row.open_incidents,
            uptime=uptime_message(row.latest_day, "24h") if row.latest_day else None,
        )
    )
    return message


def service_filter(request: monitor_service_pb2.ListServicesRequest) -> ServiceFilter:
    """Return the filter of a request."""
    states = tuple(sorted(ServiceState(state) for state in request.states))
    return ServiceFilter(states, label_filter(request.labels), request.text)


def label_filter(labels: Iterable[str]) -> tuple[tuple[str, str | None], ...]:
    """Return the label filter: names with the required value, or None for any value."""
    found = []
    for label in labels:
        key, has_value, value = label.partition("=")
        found.append((key, value if has_value else None))
    return tuple(found)


def service_order(order_by: str) -> ServiceOrder:
    """Return the order of a list; the contract has validated `order_by`."""
    key, _, direction = order_by.partition(" ")
    return ServiceOrder(by_name=key == "name", descending=direction == "desc")


def result_filter(request: monitor_service_pb2.ListCheckResultsRequest) -> ResultFilter:
    """Return the filter of a request."""
    every = ResultFilter()
    return ResultFilter(
        from_timestamp(request.start_time) if request.HasField("start_time") else every.from_us,
        from_timestamp(request.end_time) if request.HasField("end_time") else every.to_us,
        tuple(sorted(Outcome(outcome) for outcome in request.outcomes)),
        request.on_demand,
    )


def check_draft(message: check_pb2.Check) -> CheckDraft:
    """Return the writable fields of a message."""
    return CheckDraft(
        name=message.name,
        spec=spec_of(message),
        given=given_settings(message),
    )


def check_settings(check: Check) -> check_pb2.Check:
    """Return the writable fields of a check as a message, with secrets hidden."""
    message = check_pb2.Check(name=check.name)
    write_settings(check.settings, message)
    check.spec.hidden().into_check(message)
    return message


def check_message(row: TrackedCheck) -> check_pb2.Check:
    """Return a check as a message."""
    check = row.check
    state, since_us = row.known(now_us())
    message = check_settings(check)
    message.MergeFrom(
        check_pb2.Check(
            id=str(check.id),
            service_id=str(check.service_id),
            state=f"CHECK_STATE_{state.name}",
            state_time=to_timestamp(since_us),
            create_time=to_timestamp(check.create_us),
            update_time=to_timestamp(check.update_us),
            enabled=check.enabled,
            etag=check.etag,
        )
    )
    return message
