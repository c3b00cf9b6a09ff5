"""What a service is in, how it was over the last day to the last year, and the latest result of each check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.common.clock import now_us
from services.common.result import Result
from services.monitor.figures.buckets import WINDOWS, window_start
from services.monitor.figures.closing import Recorded
from services.monitor.figures.figures import summed
from services.monitor.figures.uptime import total
from services.monitor.model import CheckStatus, ServiceState, ServiceStatus, TrackedCheck
from services.monitor.not_found import service_not_found
from services.monitor.service_state import seen, service_since, service_state, tally
from services.monitor.state_reason import check_reason, service_reason


@dataclass(frozen=True, slots=True)
class RecordedStatus:
    """What is recorded of a service.

    Attributes:
        checks: all of its checks, oldest first.
        last: the latest result of each check that has one.
        recorded: of each check, what figures are made of.
        open_incidents: how many of its incidents are open.
    """

    checks: Sequence[TrackedCheck]
    last: Mapping[UUID, Result]
    recorded: Sequence[Recorded]
    open_incidents: int


class StatusStore(Protocol):
    """What status needs from the database."""

    async def recorded_status(self, tenant_id: UUID, service_id: UUID, edges: Sequence[int]) -> RecordedStatus | None:
        """What is recorded of a service, between edges as far as figures go; None if the tenant has no such one."""


class Status:
    """Answers how services are.

    Args:
        store: where results are recorded.
    """

    def __init__(self, store: StatusStore) -> None:
        self._store = store

    async def of_service(self, tenant_id: UUID, service_id: UUID) -> ServiceStatus:
        """How a service is.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
        """
        now = now_us()
        starts = {name: window_start(length, now) for name, length in WINDOWS.items()}
        edges = [*sorted(starts.values()), now]
        found = await self._store.recorded_status(tenant_id, service_id, edges)
        if found is None:
            raise service_not_found()
        checks = [_status_of(row, found.last.get(row.check.id), now) for row in found.checks]
        state = service_state(tally(check.state for check in checks))
        # Each window is the sum of the spans that the starts of all windows cut.
        spans = summed(found.recorded, edges, now)
        windows = [(name, total(spans[edges.index(start) :])) for name, start in starts.items()]
        reason = service_reason(state, [(check.check.name, check.state) for check in checks])
        since_us = _since(state, found.checks, now)
        return ServiceStatus(service_id, state, since_us, windows, checks, found.open_incidents, reason)


def _since(state: ServiceState, checks: Sequence[TrackedCheck], now: int) -> int | None:
    if state is ServiceState.MAINTENANCE:
        return min(row.maintenance_us for row in checks if row.maintenance_us is not None)
    return service_since(state, [seen(row.track, row.check.interval_us, row.check.pause_us, now) for row in checks])


def _status_of(row: TrackedCheck, last: Result | None, now: int) -> CheckStatus:
    state, since_us = row.known(now)
    return CheckStatus(row.check, state, since_us, last, check_reason(row, state, last))
