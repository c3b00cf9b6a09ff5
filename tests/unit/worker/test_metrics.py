"""What the worker counts is what it shows; the labels are the domain's enums, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.specs.kinds import KINDS
from services.platform.rpc.stream_guard import EndReason
from services.worker import exposition
from services.worker import metrics as worker_metrics
from services.worker.exposition import WorkerCollector
from services.worker.metrics import LAG_SHOWN_US, Metrics
from services.worker.report import Gauges, Reporter
from tests.support.scraped import Samples, collected, labels_of, value

GAUGES = Gauges(
    shards_held=lambda: 256,
    checks_held=lambda: 1_000,
    runs_in_flight=lambda: 7,
    runs_waiting=lambda: 3,
    results_waiting=lambda: 42,
    bytes_waiting=lambda: 43_000,
)
ENDS = [(Outcome.UP, None), *((outcome, kind) for outcome in (Outcome.DOWN, Outcome.ERROR) for kind in ErrorKind)]


def shown(metrics: Metrics) -> Samples:
    return collected(WorkerCollector(metrics, GAUGES))


@given(st.lists(st.integers(0, 60_000_000)))
def test_the_lag_histogram_counts_each_run_at_or_below_its_bounds(lags: list[int]) -> None:
    metrics = Metrics()
    for lag in lags:
        metrics.started(lag)

    samples = shown(metrics)
    for bound in LAG_SHOWN_US:
        at = value(samples, "sentinel_run_start_lag_seconds_bucket", le=str(bound / 1e6))
        assert at == sum(lag <= bound for lag in lags)
    assert value(samples, "sentinel_run_start_lag_seconds_bucket", le="+Inf") == len(lags)
    assert value(samples, "sentinel_run_start_lag_seconds_count") == len(lags)
    assert abs(value(samples, "sentinel_run_start_lag_seconds_sum") - sum(lags) / 1e6) < 1e-6


@given(st.lists(st.sampled_from(ENDS)))
def test_each_run_is_counted_once_under_its_outcome_and_kind(ends: list[tuple[Outcome, ErrorKind | None]]) -> None:
    metrics = Metrics()
    for outcome, kind in ends:
        metrics.ended("http", outcome, kind)

    samples = shown(metrics)
    for outcome, kind in ENDS:
        labels = {"outcome": outcome.name, "error_kind": kind.name if kind else ""}
        assert value(samples, "sentinel_runs_total", **labels) == ends.count((outcome, kind))
    assert len(list(labels_of(samples, "sentinel_runs_total"))) == len(ENDS)
    assert metrics.runs == len(ends)


@given(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(ENDS))))
def test_each_run_is_counted_once_under_its_kind_of_check(
    ends: list[tuple[str, tuple[Outcome, ErrorKind | None]]],
) -> None:
    metrics = Metrics()
    for check_kind, (outcome, kind) in ends:
        metrics.ended(check_kind, outcome, kind)

    samples = shown(metrics)
    for check_kind in KINDS:
        for outcome in (Outcome.UP, Outcome.DOWN, Outcome.ERROR):
            labels = {"kind": check_kind, "outcome": outcome.name}
            ended = sum(each == check_kind and end[0] is outcome for each, end in ends)
            assert value(samples, "sentinel_check_runs_total", **labels) == ended


def test_missed_slots_and_ended_readers_are_counted_by_reason() -> None:
    metrics = Metrics()
    for reason in MissedReason:
        metrics.missed(reason, 10 * reason)
    for reader in [*EndReason, None, None]:
        metrics.streams.reader_came()
        metrics.streams.reader_left(reader)
    metrics.streams.reader_came()

    samples = shown(metrics)
    for reason in MissedReason:
        assert value(samples, "sentinel_missed_slots_total", reason=reason.name) == 10 * reason
    for end in EndReason:
        assert value(samples, "sentinel_stream_readers_ended_total", reason=end.name) == 1
    assert value(samples, "sentinel_stream_readers_ended_total", reason="READER") == 2
    assert value(samples, "sentinel_stream_readers") == 1
    assert len(list(labels_of(samples, "sentinel_missed_slots_total"))) == len(MissedReason)
    assert len(list(labels_of(samples, "sentinel_stream_readers_ended_total"))) == len(EndReason) + 1


def test_batches_leases_lookups_and_the_moments_figures_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    metrics.written(100, 0.005)
    metrics.written(101, 0.0051)
    metrics.dropped(5)
    monkeypatch.setattr(worker_metrics, "monotonic", lambda: 100.0)
    monkeypatch.setattr(exposition, "monotonic", lambda: 104.5)
    metrics.renewed()
    metrics.not_renewed()
    metrics.wire.resolved(cached=True)
    metrics.wire.resolved(cached=False)
    metrics.streams.sent()

    samples = shown(metrics)
    assert value(samples, "sentinel_batch_results_bucket", le="100.0") == 1
    assert value(samples, "sentinel_batch_results_sum") == 201
    assert value(samples, "sentinel_batch_write_seconds_bucket", le="0.005") == 1
    assert value(samples, "sentinel_batch_write_seconds_count") == 2
    assert value(samples, "sentinel_results_dropped_total") == 5
    assert value(samples, "sentinel_lease_renewals_total", result="ok") == 1
    assert value(samples, "sentinel_lease_renewals_total", result="failed") == 1
    assert value(samples, "sentinel_lease_renewal_age_seconds") == 4.5
    assert value(samples, "sentinel_dns_lookups_total", source="memory") == 1
    assert value(samples, "sentinel_dns_lookups_total", source="name_server") == 1
    assert value(samples, "sentinel_stream_results_total") == 1
    assert value(samples, "sentinel_shards_held") == 256
    assert value(samples, "sentinel_checks_held") == 1_000
    assert value(samples, "sentinel_runs_in_flight") == 7
    assert value(samples, "sentinel_runs_waiting") == 3
    assert value(samples, "sentinel_results_waiting") == 42
    assert value(samples, "sentinel_results_waiting_bytes") == 43_000


def test_a_report_tells_of_the_time_since_the_one_before() -> None:
    metrics, now_s = Metrics(), [100.0]
    reporter = Reporter("here", metrics, GAUGES, lambda: now_s[0])
    for lag_us in [1_000] * 98 + [50_000] * 2:
        metrics.started(lag_us)
        metrics.ended("http", Outcome.UP, None)
    now_s[0] += 4
    first = reporter.report()
    metrics.started(2_000)
    now_s[0] += 2
    second = reporter.report()
    now_s[0] += 3
    third = reporter.report()

    assert (first.lag_p50_us, first.lag_p99_us, first.runs_per_second, first.up_s) == (1_000, 50_000, 25.0, 4)
    assert (second.lag_p50_us, second.lag_p99_us, second.runs_per_second, second.up_s) == (2_000, 2_000, 0.0, 6)
    assert (third.lag_p50_us, third.lag_p99_us) == (None, None)
    assert (first.checks_held, first.runs_in_flight, first.runs_waiting) == (1_000, 7, 3)
    assert first.instance_id == third.instance_id
