"""What a worker tells of itself with each renewal of its leases, and what is seen of it then."""

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
    """What can be read of a worker at any moment, from any thread.

    Attributes:
        shards_held: by the last renewal.
        checks_held: how many checks it runs.
        runs_in_flight: how many runs are under way.
        runs_waiting: how many are due and have not begun.
        results_waiting: how many results are not written yet.
        bytes_waiting: about how much memory they hold.
    """

    shards_held: Callable[[], int]
    checks_held: Callable[[], int]
    runs_in_flight: Callable[[], int]
    runs_waiting: Callable[[], int]
    results_waiting: Callable[[], int]
    bytes_waiting: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """How a worker is.

    Attributes:
        instance_id: where it stands in lists: the oldest worker first.
        host: the machine's name.
        version: of the project.
        up_s: for how many seconds it has been running.
        checks_held: how many checks it runs.
        runs_in_flight: how many runs are under way.
        runs_waiting: how many are due and have not begun.
        lag_p50_us: the median lag of the runs that began since the report before; None without any.
        lag_p99_us: and the 99th percentile.
        runs_per_second: how many of its runs ended a second since the report before.
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
class SeenWorker:
    """A worker as the database knows it, for the operator.

    Attributes:
        id: as it stands on results.
        instance_id: where it stands in lists.
        host: the machine's name.
        version: of the project.
        start_us: when it began.
        renew_us: when it last renewed its leases.
        live: whether that was when it should have been.
        shards_held: how many leases of it hold now.
        checks_held: as it reported, and so the others.
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
    """A worker that runs checks of a tenant: what concerns that tenant, and nothing of others or of the machine.

    Attributes:
        id: as it stands on results.
        instance_id: where it stands in lists.
        start_us: when it began.
        renew_us: when it last renewed its leases.
        live: whether that was when it should have been.
        checks_held: how many checks of the tenant it runs.
    """

    id: str
    instance_id: UUID
    start_us: int
    renew_us: int
    live: bool
    checks_held: int


class Reporter:
    """Makes reports, each of the time since the one before.

    Args:
        host: the machine's name.
        metrics: the figures.
        gauges: what can be read at any moment.
        clock: monotonic seconds.
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
        """How the worker is now, and what it did since the report before."""
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
