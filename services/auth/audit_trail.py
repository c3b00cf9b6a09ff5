"""Listing of the audit log. Changes write to it in their own transactions (services/platform/security/audit.py)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from services.auth.model import AuditEntry
from services.platform.paging import Page, Pager

if TYPE_CHECKING:
    from services.auth.store.audit import AuditSql


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """A filter of audit entries; None and empty match all. Times are in microseconds, [start, end)."""

    actor_id: UUID | None = None
    action: str = ""
    start_us: int | None = None
    end_us: int | None = None


class AuditTrail:
    """Use case: list the audit log.

    Args:
        store: the audit log in PostgreSQL.
        pager: reads and writes page tokens.
    """

    def __init__(self, store: "AuditSql", pager: Pager) -> None:
        self._store = store
        self._pager = pager

    async def list(self, tenant_id: UUID, wanted: AuditFilter, page_size: int, page_token: str) -> Page[AuditEntry]:
        """Return a page of entries, newest first.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        scope = f"audit of {wanted}"
        request = self._pager.request(tenant_id, scope, page_size, page_token)
        rows, total = await self._store.list_audit(tenant_id, wanted, request)
        return self._pager.page(tenant_id, scope, request, rows, total, lambda entry: entry.id)
