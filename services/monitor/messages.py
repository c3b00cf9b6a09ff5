"""Domain → Protobuf for what monitor answers, and back for what it is given."""

from collections.abc import Sequence
from uuid import UUID

from sentinel.monitor.v1 import check_pb2, monitor_service_pb2, service_pb2

from services.common.clock import from_duration, from_timestamp, now_us, to_duration, to_timestamp
from services.common.outcome import Outcome
from services.common.result import to_message
from services.common.specs.kinds import spec_of
from services.monitor.drafts import CheckDraft, ServiceDraft
from services.monitor.figures import SeriesWanted
from services.monitor.latency import Latencies
from services.monitor.model import (
    Check,
    CheckStatus,
    Service,
    ServiceState,
    ServiceStatus,
    StatefulService,
    TrackedCheck,
)
from services.monitor.overview import Overview
from services.monitor.results import ResultFilter
from services.monitor.services import ServiceFilter, ServiceOrder
from services.monitor.uptime import Figures, total


def optional_id(text: str) -> UUID | None:
    """An id that may be left out."""
    return UUID(text) if text else None


def service_draft(message: service_pb2.Service | monitor_service_pb2.CreateServiceRequest) -> ServiceDraft:
    """A service as its author gives it."""
    return ServiceDraft(message.name, message.url, message.description, dict(message.labels))


def service_settings(service: Service) -> service_pb2.Service:
    """What of a service can be changed."""
    return service_pb2.Service(
        name=service.name, url=service.url, description=service.description, labels=service.labels
    )


def service_message(row: StatefulService) -> service_pb2.Service:
    """A service."""
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
    """Which services to list."""
    labels = []
    for label in request.labels:
        key, has_value, value = label.partition("=")
        labels.append((key, value if has_value else None))
    return ServiceFilter(tuple(sorted(ServiceState(state) for state in request.states)), tuple(labels), request.text)


def service_order(order_by: str) -> ServiceOrder:
    """In which order to list them; the contract has seen to what it may say."""
    key, _, direction = order_by.partition(" ")
    return ServiceOrder(by_name=key == "name", descending=direction == "desc")


def result_filter(request: monitor_service_pb2.ListCheckResultsRequest) -> ResultFilter:
    """Which results to list."""
    every = ResultFilter()
    return ResultFilter(
        from_timestamp(request.start_time) if request.HasField("start_time") else every.from_us,
        from_timestamp(request.end_time) if request.HasField("end_time") else every.to_us,
        tuple(sorted(Outcome(outcome) for outcome in request.outcomes)),
        request.on_demand,
    )


def check_draft(message: check_pb2.Check) -> CheckDraft:
    """A check as its author gives it."""
    return CheckDraft(
        name=message.name,
        spec=spec_of(message),
        interval_us=from_duration(message.interval) if message.HasField("interval") else None,
        timeout_us=from_duration(message.timeout) if message.HasField("timeout") else None,
        failure_threshold=message.failure_threshold,
        recovery_threshold=message.recovery_threshold,
        retries=message.retries,
    )


def check_settings(check: Check) -> check_pb2.Check:
    """What of a check can be changed."""
    message = check_pb2.Check(
        name=check.name,
        interval=to_duration(check.interval_us),
        timeout=to_duration(check.timeout_us),
        failure_threshold=check.failure_threshold,
        recovery_threshold=check.recovery_threshold,
        retries=check.retries,
    )
    check.spec.into_check(message)
    return message


def check_message(row: TrackedCheck) -> check_pb2.Check:
    """A check."""
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


def status_message(status: ServiceStatus) -> service_pb2.ServiceStatus:
    """A service's status."""
    return service_pb2.ServiceStatus(
        service_id=str(status.service_id),
        state=f"SERVICE_STATE_{status.state.name}",
        uptime=[uptime_message(figures, window) for window, figures in status.uptime],
        checks=[_check_status(check) for check in status.checks],
        open_incidents=status.open_incidents,
        state_reason=status.reason,
    )


def uptime_message(figures: Figures, window: str = "") -> service_pb2.Uptime:
    """Figures; with latencies if they carry any."""
    return service_pb2.Uptime(
        window=window,
        start_time=to_timestamp(figures.start_us),
        end_time=to_timestamp(figures.end_us),
        ratio=figures.ratio,
        success_ratio=figures.success_ratio,
        coverage=figures.coverage,
        up=to_duration(figures.up_us),
        down=to_duration(figures.down_us),
        unknown=to_duration(figures.unknown_us),
        latency=_latency(figures.latencies),
        up_slots=figures.up_slots,
        down_slots=figures.down_slots,
        error_slots=figures.error_slots,
        missed_slots=figures.missed_slots,
    )


def _latency(latencies: Latencies) -> service_pb2.Latency | None:
    p50, p95, p99 = (to_duration(latencies.percentile(share)) for share in (0.5, 0.95, 0.99))
    return None if p50 is None else service_pb2.Latency(p50=p50, p95=p95, p99=p99)


def series_wanted(request: monitor_service_pb2.GetServiceUptimeRequest) -> SeriesWanted:
    """Which series is asked for."""
    return SeriesWanted(
        request.window,
        from_timestamp(request.start_time) if request.HasField("start_time") else None,
        from_timestamp(request.end_time) if request.HasField("end_time") else None,
        request.bucket,
    )


def series_message(buckets: Sequence[Figures]) -> monitor_service_pb2.GetServiceUptimeResponse:
    """A series, and all of it together."""
    return monitor_service_pb2.GetServiceUptimeResponse(
        overall=uptime_message(total(buckets)), buckets=[uptime_message(each) for each in buckets]
    )


def overview_message(overview: Overview) -> service_pb2.Overview:
    """A tenant at a glance."""
    workers = overview.workers
    return service_pb2.Overview(
        services=[
            service_pb2.ServiceCount(state=f"SERVICE_STATE_{state.name}", count=count)
            for state, count in sorted(overview.services.items())
        ],
        uptime=uptime_message(overview.latest_day, "24h"),
        slowest_checks=[
            service_pb2.SlowCheck(
                service_id=str(each.service_id),
                check_id=str(each.check_id),
                service_name=each.service_name,
                check_name=each.check_name,
                p95=to_duration(each.p95_us),
            )
            for each in overview.slowest
        ],
        workers=service_pb2.WorkerCoverage(
            live_workers=workers.live, shards_held=workers.shards_held, shards=workers.shards
        ),
    )


def _check_status(status: CheckStatus) -> service_pb2.CheckStatus:
    return service_pb2.CheckStatus(
        check_id=str(status.check.id),
        name=status.check.name,
        state=f"CHECK_STATE_{status.state.name}",
        state_time=to_timestamp(status.state_us),
        last_result=to_message(status.last) if status.last else None,
        state_reason=status.reason,
    )
