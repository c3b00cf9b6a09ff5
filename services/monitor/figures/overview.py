"""The overview of a tenant: services by state, uptime, open incidents, slow checks, and the coverage by workers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from services.monitor.figures.buckets import first_hour, latest_day
from services.monitor.figures.closed_hours import CheckHistory, combine_figures
from services.monitor.figures.incident_sums import IncidentSums
from services.monitor.figures.uptime import Figures, total
from services.monitor.incidents.incident import Incident
from services.monitor.model import ServiceState
from services.monitor.service_state import CheckCounts, service_state
from services.platform.clock import now_us

if TYPE_CHECKING:
    from services.monitor.store.overview import OverviewSql

# The maximum number of checks whose raw results are added up in the first hour. A tenant with more checks has no
# figures until that hour is closed.
_MOST_IN_FIRST_HOUR = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowCheck:
    """A check with the 95th percentile of its UP runs in the last closed hour, in microseconds."""

    service_id: UUID
    check_id: UUID
    service_name: str
    check_name: str
    p95_us: int


@dataclass(frozen=True, slots=True)
class WorkerCoverage:
    """The number of live workers, and how many of all shards they hold."""

    live: int
    shards_held: int
    shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedOverview:
    """The recorded data of a tenant's overview.

    Attributes:
        check_counts: distinct check counts of services, each with the number of services that have it.
        closed: the sum of the figures of those checks whose hours are all closed.
        tail: the recorded data of the other checks.
        incidents: sums over the incidents of all checks.
        slowest: the slowest checks, slowest first.
        workers: the coverage by workers.
        open_incidents: the number of open incidents.
        newest_open: the newest of them, newest first.
    """

    check_counts: Sequence[tuple[CheckCounts, int]]
    closed: Figures
    tail: Sequence[CheckHistory]
    incidents: IncidentSums
    slowest: Sequence[SlowCheck]
    workers: WorkerCoverage
    open_incidents: int
    newest_open: Sequence[Incident]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The overview of a tenant.

    Attributes:
        services: the number of services in each state that occurs.
        latest_day: the figures of all checks over the latest 24 closed hours; up to now if no check was on in those.
        slowest: the slowest checks, slowest first.
        workers: the coverage by workers.
        open_incidents: the number of open incidents.
        newest_open: the newest of them, newest first.
    """

    services: Mapping[ServiceState, int]
    latest_day: Figures
    slowest: Sequence[SlowCheck]
    workers: WorkerCoverage
    open_incidents: int
    newest_open: Sequence[Incident]


class Overviews:
    """Use case of the overview of a tenant.

    Args:
        store: the recorded data in PostgreSQL.
    """

    def __init__(self, store: "OverviewSql") -> None:
        self._store = store

    async def of_tenant(self, tenant_id: UUID) -> Overview:
        """Return the overview of a tenant."""
        now = now_us()
        edges = latest_day(now)
        recorded = await self._store.overview(tenant_id, *edges, now)
        states: Counter[ServiceState] = Counter()
        for counts, services in recorded.check_counts:
            states[service_state(counts)] += services
        figures = total([recorded.closed, *(combine_figures(each, edges, now)[0] for each in recorded.tail)])
        figures = replace(figures, incidents=recorded.incidents)
        if not figures.life_us:
            figures = await self._first_hour(tenant_id, now) or figures
        return Overview(
            services=states,
            latest_day=figures,
            slowest=recorded.slowest,
            workers=recorded.workers,
            open_incidents=recorded.open_incidents,
            newest_open=recorded.newest_open,
        )

    async def _first_hour(self, tenant_id: UUID, now: int) -> Figures | None:
        """Return the figures up to now of a tenant without closed hours; None if it has too many checks."""
        edges = first_hour(now)
        recorded = await self._store.recorded_of_tenant(tenant_id, *edges, _MOST_IN_FIRST_HOUR)
        if recorded is None:
            return None
        checks, incidents = recorded
        nothing = Figures(start_us=edges[0], end_us=edges[1])
        return replace(
            total([nothing, *(combine_figures(each, edges, now)[0] for each in checks)]), incidents=incidents
        )
