"""The report of a worker with each renewal of its leases, and workers as others see them."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from services.platform.ids import new_id
from services.platform.metrics.distribution import quantile
from services.platform.version import VERSION
from services.worker.metrics import LAG_US, Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """The present values of a worker, readable from any thread.

    Attributes:
        shards_held: the shards held at the last renewal.
        checks_held: the checks of these shards.
        runs_in_flight: runs in progress.
        runs_waiting: runs that are due and have not begun.
        results_waiting: results that are not written yet.
        bytes_waiting: their approximate memory.
    """

    shards_held: Callable[[], int]
    checks_held: Callable[[], int]
    runs_in_flight: Callable[[], int]
    runs_waiting: Callable[[], int]
    results_waiting: Callable[[], int]
    bytes_waiting: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """The report of a worker.

    Attributes:
        instance_id: the key of lists: the oldest worker first.
        host: the machine's name.
        version: the version of the project.
        up_s: seconds since its start.
        checks_held: the checks that it runs.
        runs_in_flight: runs in progress.
        runs_waiting: runs that are due and have not begun.
        lag_p50_us: the median lag of the runs since the previous report; None without any.
        lag_p99_us: the 99th percentile of the lag.
        runs_per_second: ended runs per second since the previous report.
    """

    instance_id: UUID
    host: str
    version: str
    up_s: float
    checks_held: int
    runs_in_flight: int
    runs_waiting: int
    lag_p50_us: int | None
    lag_p99_us: int | None
    runs_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedWorker:
    """A worker as stored, for the operator.

    Attributes:
        id: the id in results.
        instance_id: the key of lists.
        host: the machine's name.
        version: the version of the project.
        start_us: when it started.
        renew_us: when it last renewed its leases.
        live: whether that was recent enough.
        shards_held: how many of its leases are valid now.
        checks_held: from its report, like the following fields.
    """

    id: str
    instance_id: UUID
    host: str
    version: str
    start_us: int
    renew_us: int
    live: bool
    shards_held: int
    checks_held: int
    runs_in_flight: int
    runs_waiting: int
    lag_p50_us: int | None
    lag_p99_us: int | None
    runs_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantWorker:
    """A worker that runs checks of a tenant, with nothing about other tenants or the machine.

    Attributes:
        id: the id in results.
        instance_id: the key of lists.
        start_us: when it started.
        renew_us: when it last renewed its leases.
        live: whether that was recent enough.
        checks_held: how many checks of the tenant it runs.
    """

    id: str
    instance_id: UUID
    start_us: int
    renew_us: int
    live: bool
    checks_held: int


class Reporter:
    """Creates reports, each about the time since the previous one.

    Args:
        host: the machine's name.
        metrics: the counters.
        gauges: the present values.
        clock: returns monotonic seconds.
    """

    def __init__(self, host: str, metrics: Metrics, gauges: Gauges, clock: Callable[[], float] = monotonic) -> None:
        self._host = host
        self._metrics = metrics
        self._gauges = gauges
        self._clock = clock
        self._instance_id = new_id()
        self._began_s = self._reported_s = clock()
        self._runs = 0
        self._lag: tuple[int, ...] = metrics.lag.counts

    def report(self) -> WorkerReport:
        """Return a report about the time since the previous one."""
        now_s, runs, lag = self._clock(), self._metrics.runs, self._metrics.lag.counts
        elapsed_s = now_s - self._reported_s
        since = [new - old for new, old in zip(lag, self._lag, strict=True)]
        report = WorkerReport(
            instance_id=self._instance_id,
            host=self._host,
            version=VERSION,
            up_s=now_s - self._began_s,
            checks_held=self._gauges.checks_held(),
            runs_in_flight=self._gauges.runs_in_flight(),
            runs_waiting=self._gauges.runs_waiting(),
            lag_p50_us=quantile(LAG_US, since, 0.5),
            lag_p99_us=quantile(LAG_US, since, 0.99),
            runs_per_second=(runs - self._runs) / elapsed_s if elapsed_s > 0 else 0.0,
        )
        self._reported_s, self._runs, self._lag = now_s, runs, lag
        return report
