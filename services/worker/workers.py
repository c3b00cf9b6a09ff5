"""Use case: list the workers that run checks of a tenant. The operator lists all with `sentinel admin list-workers`."""

from typing import TYPE_CHECKING
from uuid import UUID

from services.platform.paging import Page, Pager
from services.worker.report import TenantWorker

if TYPE_CHECKING:
    from services.worker.store.tenant import TenantStore

_SCOPE = "workers"


class Workers:
    """Use case: list workers.

    Args:
        store: workers' reports in PostgreSQL.
        pager: reads and writes page tokens.
        overdue_s: the time without a report after which a worker is overdue, in seconds.
    """

    def __init__(self, store: "TenantStore", pager: Pager, overdue_s: float) -> None:
        self._store = store
        self._overdue_s = overdue_s
        self._pager = pager

    async def list(self, tenant_id: UUID, page_size: int, page_token: str) -> Page[TenantWorker]:
        """Return a page of the workers that run checks of a tenant, the oldest first.

        Args:
            tenant_id: the tenant of the caller.
            page_size: the size of the page; 0 for the default.
            page_token: the token of the previous page; empty for the first page.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
            ResourceExhausted: OVERLOADED.
        """
        request = self._pager.request(tenant_id, _SCOPE, page_size, page_token)
        rows, total = await self._store.list_workers(tenant_id, request, self._overdue_s)
        return self._pager.page(tenant_id, _SCOPE, request, rows, total, lambda worker: worker.instance_id)
