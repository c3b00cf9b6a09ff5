"""Conversion between figures and the contract's messages."""

from collections.abc import Sequence

from sentinel.monitor.v1 import monitor_service_pb2, service_pb2

from services.checks.result import to_message
from services.monitor.figures.figures import SeriesWanted
from services.monitor.figures.latency import Latencies
from services.monitor.figures.overview import Overview
from services.monitor.figures.uptime import Figures, total
from services.monitor.incidents.messages import incident_message
from services.monitor.model import CheckStatus, ServiceStatus
from services.platform.clock import from_timestamp, to_duration, to_timestamp


def status_message(status: ServiceStatus) -> service_pb2.ServiceStatus:
    """Return the message of a service's status."""
    return service_pb2.ServiceStatus(
        service_id=str(status.service_id),
        state=f"SERVICE_STATE_{status.state.name}",
        state_time=to_timestamp(status.state_us),
        uptime=[uptime_message(figures, window) for window, figures in status.uptime],
        checks=[_check_status(check) for check in status.checks],
        open_incidents=status.open_incidents,
        state_reason=status.reason,
    )


def uptime_message(figures: Figures, window: str = "") -> service_pb2.Uptime:
    """Return the message of figures, with latencies if there are any.

    Args:
        figures: the figures.
        window: the name of their window; empty for another span.
    """
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
        slow_slots=figures.slow_slots,
        slow_ratio=figures.slow_ratio,
        incidents=figures.incidents.begun,
        resolved_incidents=figures.incidents.resolved,
        mttr=to_duration(figures.incidents.mttr_us),
        mtbf=to_duration(figures.mtbf_us),
    )


def _latency(latencies: Latencies) -> service_pb2.Latency | None:
    found = [to_duration(each) for each in latencies.percentiles(0.5, 0.95, 0.99)]
    return service_pb2.Latency(p50=found[0], p95=found[1], p99=found[2]) if found else None


def series_wanted(request: monitor_service_pb2.GetServiceUptimeRequest) -> SeriesWanted:
    """Return the series that a request asks for."""
    return SeriesWanted(
        request.window,
        from_timestamp(request.start_time) if request.HasField("start_time") else None,
        from_timestamp(request.end_time) if request.HasField("end_time") else None,
        request.bucket,
    )


def series_message(buckets: Sequence[Figures]) -> monitor_service_pb2.GetServiceUptimeResponse:
    """Return the message of a series, with the sum of its buckets."""
    return monitor_service_pb2.GetServiceUptimeResponse(
        overall=uptime_message(total(buckets)), buckets=[uptime_message(each) for each in buckets]
    )


def overview_message(overview: Overview) -> service_pb2.Overview:
    """Return the message of a tenant's overview."""
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
        open_incidents=overview.open_incidents,
        newest_open_incidents=[incident_message(each) for each in overview.newest_open],
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
