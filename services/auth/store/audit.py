"""SQL of the audit log."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from services.auth.audit_trail import AuditFilter
from services.auth.model import AuditEntry
from services.auth.store.base import Sql, page_of
from services.platform.clock import from_datetime, to_datetime
from services.platform.paging import PageRequest
from services.platform.postgres.tables import audit_log
from services.platform.security.audit import Actor, ActorKind, Change
from services.platform.security.origin import Origin


class AuditSql(Sql):
    """The audit log in PostgreSQL."""

    async def list_audit(
        self, tenant_id: UUID, wanted: AuditFilter, page: PageRequest
    ) -> tuple[Sequence[AuditEntry], int]:
        """Return a page of entries plus one more, newest first, and the total."""
        every = select(audit_log).where(audit_log.c.tenant_id == tenant_id)
        if wanted.actor_id is not None:
            every = every.where(audit_log.c.actor_id == wanted.actor_id)
        if wanted.action:
            every = every.where(audit_log.c.action == wanted.action)
        if wanted.start_us is not None:
            every = every.where(audit_log.c.create_time >= to_datetime(wanted.start_us))
        if wanted.end_us is not None:
            every = every.where(audit_log.c.create_time < to_datetime(wanted.end_us))
        async with self._database.tenant(tenant_id) as connection:
            rows, total = await page_of(connection, every, audit_log.c.id, page, newest_first=True)
        return [_entry(row) for row in rows], total


def _entry(row: Row[Any]) -> AuditEntry:
    origin = Origin(row.address, row.client, row.request_id)
    return AuditEntry(
        id=row.id,
        create_us=from_datetime(row.create_time),
        actor=Actor(row.tenant_id, ActorKind(row.actor_kind), row.actor_id, origin),
        actor_name=row.actor_name,
        change=Change(row.action, row.resource_id, row.before, row.after),
    )
