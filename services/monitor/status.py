"""The status of a service: its state, its uptime over several windows, and the latest result of each check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING
from uuid import UUID

from services.checks.result import Result
from services.monitor.figures.buckets import WINDOWS, window_start
from services.monitor.figures.closed_hours import CheckHistory
from services.monitor.figures.figures import summed
from services.monitor.model import CheckStatus, ServiceState, ServiceStatus, TrackedCheck
from services.monitor.not_found import service_not_found
from services.monitor.request_coalescer import RequestCoalescer
from services.monitor.service_state import count_checks, current_state, service_since, service_state
from services.monitor.state_reason import check_reason, service_reason
from services.platform.clock import now_us

if TYPE_CHECKING:
    from services.monitor.store.status import StatusSql


@dataclass(frozen=True, slots=True)
class RecordedStatus:
    """The recorded data of a service.

    Attributes:
        checks: all of its checks, oldest first.
        last: the latest result of each check that has one.
        recorded: the data from which figures are computed, of each check.
        open_incidents: the number of its open incidents.
    """

    checks: Sequence[TrackedCheck]
    last: Mapping[UUID, Result]
    recorded: Sequence[CheckHistory]
    open_incidents: int


class Status:
    """Use case of the status of services. Concurrent requests for a tenant share one read.

    Args:
        store: the recorded data in PostgreSQL.
    """

    def __init__(self, store: "StatusSql") -> None:
        self._store = store
        self._coalescer = RequestCoalescer(self._read)

    async def of_service(self, tenant_id: UUID, service_id: UUID) -> ServiceStatus:
        """Return the status of a service.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
        """
        found = await self._coalescer.get(tenant_id, service_id)
        if found is None:
            raise service_not_found()
        return found

    async def _read(self, tenant_id: UUID, service_ids: Sequence[UUID]) -> Mapping[UUID, ServiceStatus]:
        now = now_us()
        starts = {name: window_start(length, now) for name, length in WINDOWS.items()}
        edges = [*sorted(starts.values()), now]
        found = await self._store.recorded_statuses(tenant_id, service_ids, edges)
        return {service_id: status_of(service_id, recorded, starts, edges) for service_id, recorded in found.items()}


def status_of(
    service_id: UUID, found: RecordedStatus, starts: Mapping[str, int], edges: Sequence[int]
) -> ServiceStatus:
    """Return the status of a service. Pure.

    Args:
        service_id: the service.
        found: its recorded data between the edges.
        starts: the start of each window, by name.
        edges: the starts of all windows, ascending, and last the present time.
    """
    now = edges[-1]
    checks = [_status_of(row, found.last.get(row.check.id), now) for row in found.checks]
    state = service_state(count_checks(check.state for check in checks))
    # Each window is the next shorter one plus the span before that, so cumulative sums give all windows.
    sums = list(accumulate(reversed(summed(found.recorded, edges, now))))
    return ServiceStatus(
        service_id=service_id,
        state=state,
        state_us=_since(state, found.checks, now),
        uptime=[(name, sums[-1 - edges.index(start)]) for name, start in starts.items()],
        checks=checks,
        open_incidents=found.open_incidents,
        reason=service_reason(state, [(check.check.name, check.state) for check in checks]),
    )


def _since(state: ServiceState, checks: Sequence[TrackedCheck], now: int) -> int | None:
    if state is ServiceState.MAINTENANCE:
        return min(row.maintenance_us for row in checks if row.maintenance_us is not None)
    return service_since(
        state, [current_state(row.track, row.check.settings.interval_us, row.check.pause_us, now) for row in checks]
    )


def _status_of(row: TrackedCheck, last: Result | None, now: int) -> CheckStatus:
    state, since_us = row.known(now)
    return CheckStatus(
        check=row.check, state=state, state_us=since_us, last=last, reason=check_reason(row, state, last)
    )
