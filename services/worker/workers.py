"""Which workers there are and how they are: for whoever runs the installation, who sees no tenant's data by it."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from services.common.paging import Page, Pager, PageRequest
from services.worker.report import SeenWorker

_SCOPE = "workers"


class WorkerStore(Protocol):
    """What listing workers needs from the database."""

    async def list_workers(
        self, tenant_id: UUID, page: PageRequest, overdue_s: float
    ) -> tuple[Sequence[SeenWorker], int]:
        """One worker more than the page holds, if there are, the oldest first, and how many there are in all."""


class Workers:
    """Lists workers.

    Args:
        store: where they report.
        pager: reads and writes page tokens.
        overdue_s: after how long without a report a worker is overdue.
    """

    def __init__(self, store: WorkerStore, pager: Pager, overdue_s: float) -> None:
        self._store = store
        self._overdue_s = overdue_s
        self._pager = pager

    async def list(self, tenant_id: UUID, page_size: int, page_token: str) -> Page[SeenWorker]:
        """A page of workers, the oldest first.

        Args:
            tenant_id: who asks; page tokens are bound to it.
            page_size: how many; 0 for the default.
            page_token: of the page before; empty for the first.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        request = self._pager.request(tenant_id, _SCOPE, page_size, page_token)
        rows, total = await self._store.list_workers(tenant_id, request, self._overdue_s)
        return self._pager.page(tenant_id, _SCOPE, request, rows, total, lambda worker: worker.instance_id)
