"""What a service is in, how it was over the last day, week and month, and the latest result of each check."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from services.common.clock import DAY_US, now_us
from services.common.result import Result
from services.monitor.model import CheckStatus, ServiceStatus, StatefulService, TrackedCheck
from services.monitor.not_found import service_not_found
from services.monitor.off import Span, paused, union
from services.monitor.service_state import service_state, tally
from services.monitor.uptime import Figures, Meter, Slot

WINDOWS = {"24h": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US}
# A result holds for two intervals, and none is longer than a day: what may reach into a window from before it.
_REACH_US = 2 * DAY_US


class StatusStore(Protocol):
    """What status needs from the database."""

    async def find_service(self, tenant_id: UUID, service_id: UUID, now: int) -> StatefulService | None:
        """A service and what it is in."""

    async def tracked_checks(self, tenant_id: UUID, service_id: UUID) -> Sequence[TrackedCheck]:
        """All checks of a service."""

    async def last_results(self, tenant_id: UUID, check_ids: Sequence[UUID]) -> Mapping[UUID, Result]:
        """The latest result of each check that has one."""

    async def suspensions(self, tenant_id: UUID, since_us: int, now: int) -> Sequence[tuple[int, int]]:
        """Spans [start, end) in which the tenant was suspended, of those that ended behind a point in time."""

    async def maintenance(self, tenant_id: UUID, service_id: UUID, since_us: int, now: int) -> Sequence[Span]:
        """Spans [start, end) in which a service was inside a maintenance window, of those that begin before now."""

    async def periods(
        self, tenant_id: UUID, check_ids: Sequence[UUID], since_us: int
    ) -> Mapping[UUID, Sequence[tuple[int, int | None]]]:
        """The spans in which checks were enabled, in order, of those that ended behind a point in time or are open."""

    def slots(self, tenant_id: UUID, check_id: UUID, from_us: int, to_us: int) -> AsyncIterator[Sequence[Slot]]:
        """A check's results with slots in [from, to), in order, some at a time."""


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
        since = now - max(WINDOWS.values())
        if await self._store.find_service(tenant_id, service_id, now) is None:
            raise service_not_found()
        tracked = await self._store.tracked_checks(tenant_id, service_id)
        ids = [row.check.id for row in tracked]
        last = await self._store.last_results(tenant_id, ids)
        checks = [CheckStatus(row.check, *row.known(now), last.get(row.check.id)) for row in tracked]
        sums = {name: Figures(now - length, now) for name, length in WINDOWS.items()}
        suspended = await self._store.suspensions(tenant_id, since, now)
        maintained = await self._store.maintenance(tenant_id, service_id, since, now)
        periods = await self._store.periods(tenant_id, ids, since)
        for check_id, row in zip(ids, tracked, strict=True):
            while_paused = paused(periods.get(check_id, ()), max(since, row.check.create_us), now)
            off = union([*suspended, *maintained, *while_paused])
            for name, figures in (await self._measure(tenant_id, row, now, off)).items():
                sums[name] += figures
        state = service_state(tally(check.state for check in checks))
        return ServiceStatus(service_id, state, list(sums.items()), checks)

    async def _measure(
        self, tenant_id: UUID, row: TrackedCheck, now: int, off: Sequence[Span]
    ) -> Mapping[str, Figures]:
        check = row.check
        meters = {name: Meter(now - length, now, check.create_us, now, off) for name, length in WINDOWS.items()}
        from_us = now - max(WINDOWS.values()) - _REACH_US
        async for slots in self._store.slots(tenant_id, check.id, from_us, now):
            for slot in slots:
                for meter in meters.values():
                    meter.add(slot)
        return {name: meter.figures() for name, meter in meters.items()}
