"""Which workers run the checks of a tenant. The operator sees all of them by `sentinel admin list-workers`."""

from typing import TYPE_CHECKING
from uuid import UUID

from services.platform.paging import Page, Pager
from services.worker.report import TenantWorker

if TYPE_CHECKING:
    from services.worker.store.tenant import TenantStore

_SCOPE = "workers"


class Workers:
    """Lists workers.

    Args:
        store: where they report.
        pager: reads and writes page tokens.
        overdue_s: after how long without a report a worker is overdue.
    """

    def __init__(self, store: "TenantStore", pager: Pager, overdue_s: float) -> None:
        self._store = store
        self._overdue_s = overdue_s
        self._pager = pager

    async def list(self, tenant_id: UUID, page_size: int, page_token: str) -> Page[TenantWorker]:
        """A page of the workers that run checks of a tenant, the oldest first.

        Args:
            tenant_id: the tenant of the caller.
            page_size: how many; 0 for the default.
            page_token: of the page before; empty for the first.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
            ResourceExhausted: OVERLOADED.
        """
        request = self._pager.request(tenant_id, _SCOPE, page_size, page_token)
        rows, total = await self._store.list_workers(tenant_id, request, self._overdue_s)
        return self._pager.page(tenant_id, _SCOPE, request, rows, total, lambda worker: worker.instance_id)
