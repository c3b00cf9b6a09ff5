"""What is recorded of a service, in one transaction."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, column, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.result import Result, from_row
from services.common.tables import checks, incidents, results
from services.monitor.status import RecordedStatus
from services.monitor.store.base import Sql, count, has_service, tracked, tracked_check
from services.monitor.store.figures import read_recorded_of_services


class StatusSql(Sql):
    """Status in PostgreSQL."""

    async def recorded_status(self, tenant_id: UUID, service_id: UUID, edges: Sequence[int]) -> RecordedStatus | None:
        """What is recorded of a service, between edges as far as figures go; None if the tenant has no such one."""
        its_checks = tracked(tenant_id).where(checks.c.service_id == service_id).order_by(checks.c.id)
        is_open = (incidents.c.service_id == service_id) & incidents.c.end_time.is_(None)
        opened = select(incidents.c.id).where(incidents.c.tenant_id == tenant_id, is_open)
        async with self._database.tenant(tenant_id) as connection:
            found = [tracked_check(row) for row in await connection.execute(its_checks)]
            if not found and not await has_service(connection, tenant_id, service_id):
                return None
            last = await _last_results(connection, tenant_id, [row.check.id for row in found])
            recorded = await read_recorded_of_services(connection, tenant_id, [service_id], edges)
            return RecordedStatus(found, last, recorded.get(service_id, ()), await count(connection, opened))


async def _last_results(
    connection: AsyncConnection, tenant_id: UUID, check_ids: Sequence[UUID]
) -> Mapping[UUID, Result]:
    """The latest result of each check that has one."""
    wanted = func.unnest(cast(list(check_ids), ARRAY(Uuid))).table_valued(column("id", Uuid)).render_derived()
    last = (
        select(results)
        .where(results.c.tenant_id == tenant_id, results.c.check_id == wanted.c.id)
        .order_by(results.c.slot_time.desc())
        .limit(1)
        .lateral()
    )
    rows = await connection.execute(select(last).select_from(wanted.join(last, onclause=true())))
    return {row["check_id"]: from_row(dict(row)) for row in rows.mappings()}
