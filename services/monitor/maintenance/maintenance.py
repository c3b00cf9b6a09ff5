"""Use cases of maintenance windows, and the planning of recurring ones (semantics.md §12)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from services.monitor.maintenance.window import Window, WindowDraft, changed_window, new_window
from services.monitor.not_found import window_not_found
from services.monitor.quarantine import Quarantine
from services.monitor.quotas import Quotas
from services.platform import logs
from services.platform.clock import DAY_US, HOUR_US, SECOND_US, now_us
from services.platform.errors import Unavailable
from services.platform.paging import Page, Pager
from services.platform.security.audit import Actor

if TYPE_CHECKING:
    from services.monitor.store.maintenance import MaintenanceSql

HORIZON_US = 90 * DAY_US
# A fixed schedule without retries: the next round does what a failed one did not.
_INTERVAL_S = HOUR_US / SECOND_US
_log = logs.get("maintenance")


class MaintenanceWindows:
    """Use cases of maintenance windows, and the loop that plans recurring ones.

    Args:
        store: windows in PostgreSQL.
        pager: reads and writes page tokens.
        quotas: how many windows a tenant may have.

    Attributes:
        quarantine: the windows in quarantine.
    """

    def __init__(self, store: "MaintenanceSql", pager: Pager, quotas: Quotas) -> None:
        self._store = store
        self._pager = pager
        self._quotas = quotas
        self.quarantine = Quarantine("maintenance")

    async def create(self, actor: Actor, draft: WindowDraft, request_id: UUID | None) -> Window:
        """Create a window.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            FailedPrecondition: QUOTA_EXCEEDED.
            InvalidArgument: it begins in the past, or its rule or time zone is invalid.
        """
        now = now_us()
        window = new_window(actor, draft, now)
        until_us = max(now, window.start_us) + HORIZON_US
        return await self._store.create_window(actor, window, until_us, request_id, self._quotas)

    async def get(self, tenant_id: UUID, window_id: UUID) -> Window:
        """Return a window.

        Raises:
            NotFound: MAINTENANCE_WINDOW_NOT_FOUND.
        """
        found = await self._store.find_window(tenant_id, window_id)
        if found is None:
            raise window_not_found()
        return found

    async def list(self, tenant_id: UUID, page_size: int, page_token: str) -> Page[Window]:
        """Return a page of windows, oldest first.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        scope = "maintenance windows"
        request = self._pager.request(tenant_id, scope, page_size, page_token)
        found = await self._store.list_windows(tenant_id, request)
        return self._pager.page(tenant_id, scope, request, *found, lambda window: window.id)

    async def update(
        self, actor: Actor, window_id: UUID, etag: str, draft_of: Callable[[Window], WindowDraft]
    ) -> Window:
        """Update a window from now on; an etag that is not empty has to match the window's.

        Raises:
            NotFound: MAINTENANCE_WINDOW_NOT_FOUND, SERVICE_NOT_FOUND.
            Aborted: ETAG_MISMATCH.
            InvalidArgument: the changed window is invalid.
        """
        now = now_us()
        return await self._store.change_window(
            actor, window_id, lambda window: changed_window(window, etag, draft_of, now), now, HORIZON_US
        )

    async def delete(self, actor: Actor, window_id: UUID) -> None:
        """Delete a window; if it is in progress, it ends now.

        Raises:
            NotFound: MAINTENANCE_WINDOW_NOT_FOUND.
        """
        await self._store.delete_window(actor, window_id, now_us())

    async def plan(self, now: int) -> None:
        """Write the spans of all recurring windows up to the horizon. Idempotent.

        A window whose planning fails goes into quarantine.
        """
        # A third of the horizon is written at a time, so that a window is planned a few times a year.
        while due := await self._due(now):
            for tenant_id, window_id in due:
                try:
                    await self._store.plan_window(tenant_id, window_id, now, now + HORIZON_US)
                except Unavailable:
                    raise
                except Exception:  # noqa: BLE001 — the other windows are still planned
                    self.quarantine.add(window_id, now)
                    _log.exception(
                        "planning a maintenance window failed, quarantined for an hour",
                        tenant_id=str(tenant_id), window_id=str(window_id),
                    )  # fmt: skip

    async def _due(self, now: int) -> Sequence[tuple[UUID, UUID]]:
        quarantined = set(self.quarantine.ids(now))
        return [
            each for each in await self._store.windows_to_plan(now + HORIZON_US * 2 // 3) if each[1] not in quarantined
        ]

    async def run(self) -> None:
        """Plan windows every hour, until cancelled."""
        while True:
            with self.quarantine.tolerate_failures():
                await self.plan(now_us())
            await asyncio.sleep(_INTERVAL_S)
