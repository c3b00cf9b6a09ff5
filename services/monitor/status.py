"""What a service is in, how it was over the last day to the last year, and the latest result of each check."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from services.common.clock import now_us
from services.common.result import Result
from services.monitor.buckets import WINDOWS, window_start
from services.monitor.figures import ServiceFigures
from services.monitor.model import CheckStatus, ServiceStatus, TrackedCheck
from services.monitor.not_found import service_not_found
from services.monitor.service_state import service_state, tally
from services.monitor.state_reason import check_reason, service_reason
from services.monitor.uptime import Figures, total


class StatusStore(Protocol):
    """What status needs from the database."""

    async def has_service(self, tenant_id: UUID, service_id: UUID) -> bool:
        """Whether the tenant has a service."""

    async def tracked_checks(self, tenant_id: UUID, service_id: UUID) -> Sequence[TrackedCheck]:
        """All checks of a service."""

    async def open_incidents(self, tenant_id: UUID, service_id: UUID) -> int:
        """How many incidents of a service are open."""

    async def last_results(self, tenant_id: UUID, check_ids: Sequence[UUID]) -> Mapping[UUID, Result]:
        """The latest result of each check that has one."""


class Status:
    """Answers how services are.

    Args:
        store: where results are recorded.
        figures: how services were.
    """

    def __init__(self, store: StatusStore, figures: ServiceFigures) -> None:
        self._store = store
        self._figures = figures

    async def of_service(self, tenant_id: UUID, service_id: UUID) -> ServiceStatus:
        """How a service is.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
        """
        now = now_us()
        tracked = await self._store.tracked_checks(tenant_id, service_id)
        if not tracked and not await self._store.has_service(tenant_id, service_id):
            raise service_not_found()
        last = await self._store.last_results(tenant_id, [row.check.id for row in tracked])
        checks = [_status_of(row, last.get(row.check.id), now) for row in tracked]
        state = service_state(tally(check.state for check in checks))
        windows = await self._windows(tenant_id, service_id, now)
        open_incidents = await self._store.open_incidents(tenant_id, service_id)
        reason = service_reason(state, [(check.check.name, check.state) for check in checks])
        return ServiceStatus(service_id, state, windows, checks, open_incidents, reason)

    async def _windows(self, tenant_id: UUID, service_id: UUID, now: int) -> Sequence[tuple[str, Figures]]:
        """The figures of all windows: each is the sum of the spans that the starts of all windows cut."""
        starts = {name: window_start(length, now) for name, length in WINDOWS.items()}
        edges = [*sorted(starts.values()), now]
        spans = (await self._figures.between(tenant_id, [service_id], edges, now))[service_id]
        return [(name, total(spans[edges.index(start) :])) for name, start in starts.items()]


def _status_of(row: TrackedCheck, last: Result | None, now: int) -> CheckStatus:
    state, since_us = row.known(now)
    return CheckStatus(row.check, state, since_us, last, check_reason(row, state, last))
