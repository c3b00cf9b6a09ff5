"""All of a tenant at a glance: services by state, uptime, open incidents, slow checks, and whether anybody looks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from services.monitor.figures.buckets import first_hour, latest_day
from services.monitor.figures.closing import Recorded, combine
from services.monitor.figures.incident_sums import IncidentSums
from services.monitor.figures.uptime import Figures, total
from services.monitor.incidents.incident import Incident
from services.monitor.model import ServiceState
from services.monitor.service_state import Tally, service_state
from services.platform.clock import now_us

if TYPE_CHECKING:
    from services.monitor.store.overview import OverviewSql

# Checks whose single results are added up in the first hour. With more, figures wait for the hour to be closed.
_MOST_IN_FIRST_HOUR = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowCheck:
    """A check, and what 95 of a hundred of its runs that ended UP took no longer than in the last closed hour."""

    service_id: UUID
    check_id: UUID
    service_name: str
    check_name: str
    p95_us: int


@dataclass(frozen=True, slots=True)
class WorkerCoverage:
    """How many workers live, and how many of all shards they hold."""

    live: int
    shards_held: int
    shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedOverview:
    """What is recorded of all of a tenant.

    Attributes:
        tallies: tallies of services, each with how many services have it.
        closed: the figures of the checks all of whose hours are closed.
        tail: what is recorded of the others.
        incidents: what the incidents of all checks add up to.
        slowest: the slowest checks first.
        workers: who looks.
        open_incidents: how many incidents are open.
        newest_open: those of them that began last, the newest first.
    """

    tallies: Sequence[tuple[Tally, int]]
    closed: Figures
    tail: Sequence[Recorded]
    incidents: IncidentSums
    slowest: Sequence[SlowCheck]
    workers: WorkerCoverage
    open_incidents: int
    newest_open: Sequence[Incident]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All of a tenant at a glance.

    Attributes:
        services: how many services are in each state that any is in.
        latest_day: the figures of all checks over the latest 24 closed hours; up to now when none was on in those.
        slowest: the slowest checks first.
        workers: who looks.
        open_incidents: how many incidents are open.
        newest_open: those of them that began last, the newest first.
    """

    services: Mapping[ServiceState, int]
    latest_day: Figures
    slowest: Sequence[SlowCheck]
    workers: WorkerCoverage
    open_incidents: int
    newest_open: Sequence[Incident]


class Overviews:
    """Answers how a tenant is.

    Args:
        store: where it is recorded.
    """

    def __init__(self, store: "OverviewSql") -> None:
        self._store = store

    async def of_tenant(self, tenant_id: UUID) -> Overview:
        """How a tenant is."""
        now = now_us()
        edges = latest_day(now)
        recorded = await self._store.overview(tenant_id, *edges, now)
        states: Counter[ServiceState] = Counter()
        for tally, services in recorded.tallies:
            states[service_state(tally)] += services
        figures = total([recorded.closed, *(combine(each, edges, now)[0] for each in recorded.tail)])
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
        """The figures up to now of a tenant that was not on in any closed hour; None of one with too much to add up."""
        edges = first_hour(now)
        recorded = await self._store.recorded_of_tenant(tenant_id, *edges, _MOST_IN_FIRST_HOUR)
        if recorded is None:
            return None
        checks, incidents = recorded
        nothing = Figures(start_us=edges[0], end_us=edges[1])
        return replace(total([nothing, *(combine(each, edges, now)[0] for each in checks)]), incidents=incidents)
