"""Prometheus metrics of the worker."""

from collections.abc import Iterator
from time import monotonic

from prometheus_client.core import Metric

from services.platform.metrics.exposition import counter, gauge, seconds, sizes
from services.worker.metrics import LAG_SHOWN_US, Metrics
from services.worker.report import Gauges


class WorkerCollector:
    """A collector of the worker's metrics.

    Args:
        metrics: the counters.
        gauges: the present values.
    """

    def __init__(self, metrics: Metrics, gauges: Gauges) -> None:
        self._metrics = metrics
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield from self._runs()
        yield from self._recording()
        yield from self._leases()
        yield from self._metrics.streams.collect()
        yield counter(
            "sentinel_heartbeat_signals",
            "Heartbeat signals, by result.",
            ("result",),
            self._metrics.ended_signals(),
        )

    def _runs(self) -> Iterator[Metric]:
        metrics, gauges = self._metrics, self._gauges
        yield seconds(
            "sentinel_run_start_lag_seconds",
            "Delay from a slot to the start of its run.",
            (),
            {(): metrics.lag},
            LAG_SHOWN_US,
        )
        yield counter(
            "sentinel_runs",
            "Completed runs, by outcome and kind of error.",
            ("outcome", "error_kind"),
            metrics.ended_runs(),
        )
        yield counter(
            "sentinel_check_runs",
            "Completed runs, by kind of check and outcome.",
            ("kind", "outcome"),
            metrics.runs_of_kinds(),
        )
        yield counter("sentinel_missed_slots", "Slots without a run, by reason.", ("reason",), metrics.missed_slots())
        yield gauge("sentinel_runs_in_flight", "Runs in progress.", (), {(): gauges.runs_in_flight()})
        yield gauge("sentinel_runs_waiting", "Runs that are due and not yet started.", (), {(): gauges.runs_waiting()})
        yield gauge("sentinel_checks_held", "Checks in the shards of this worker.", (), {(): gauges.checks_held()})
        looked_up: dict[tuple[str, ...], float] = {
            ("memory",): metrics.wire.cached_names,
            ("name_server",): metrics.wire.asked_names,
        }
        yield counter("sentinel_dns_lookups", "DNS lookups, by source of the answer.", ("source",), looked_up)

    def _recording(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield sizes("sentinel_batch_results", "Results in each written batch.", metrics.batch_size)
        yield seconds(
            "sentinel_batch_write_seconds",
            "Duration of writing a batch.",
            (),
            {(): metrics.write_time},
            metrics.write_time.bounds,
        )
        waiting = self._gauges.results_waiting()
        yield gauge("sentinel_results_waiting", "Results waiting to be written.", (), {(): waiting})
        held = self._gauges.bytes_waiting()
        yield gauge("sentinel_results_waiting_bytes", "Approximate memory held by the waiting results.", (), {(): held})
        yield counter(
            "sentinel_results_dropped",
            "Results dropped while the database was unavailable; their slots are MISSED.",
            (),
            {(): metrics.dropped_results},
        )

    def _leases(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield gauge("sentinel_shards_held", "Shards leased by this worker.", (), {(): self._gauges.shards_held()})
        yield gauge(
            "sentinel_lease_renewal_age_seconds",
            "Time since the leases were last renewed; at 9 s the worker stops starting runs.",
            (),
            {(): monotonic() - metrics.renewed_at_s},
        )
        rounds: dict[tuple[str, ...], float] = {("ok",): metrics.renewals, ("failed",): metrics.failed_renewals}
        yield counter("sentinel_lease_renewals", "Lease renewals, by result.", ("result",), rounds)
