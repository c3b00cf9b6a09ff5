"""What is recorded of a service, in one transaction and few statements, which are made once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, Uuid, bindparam, column, func, select, true

from services.common.clock import from_datetime
from services.common.result import from_row
from services.common.tables import check_rollups, checks, incidents, results
from services.monitor.status import RecordedStatus
from services.monitor.store.base import Sql, has_service, tracked, tracked_check
from services.monitor.store.figures import ITS_MARK, Mark, read_recorded

_TENANT: BindParameter[UUID] = bindparam("tenant", type_=Uuid)
_SERVICE: BindParameter[UUID] = bindparam("service", type_=Uuid)
_OPEN_INCIDENTS = (
    select(func.count())
    .where(incidents.c.tenant_id == _TENANT, incidents.c.service_id == _SERVICE, incidents.c.end_time.is_(None))
    .scalar_subquery()
)
_CHECKS = (
    tracked(_TENANT)
    .join(check_rollups, ITS_MARK)
    .add_columns(check_rollups.c.rolled_time, _OPEN_INCIDENTS.label("open_incidents"))
    .where(checks.c.service_id == _SERVICE)
    .order_by(checks.c.id)
)
_WANTED = func.unnest(bindparam("checks", type_=ARRAY(Uuid))).table_valued(column("id", Uuid)).render_derived()
_LAST = (
    select(results)
    .where(results.c.tenant_id == _TENANT, results.c.check_id == _WANTED.c.id)
    .order_by(results.c.slot_time.desc())
    .limit(1)
    .lateral()
)
_LAST_RESULTS = select(_LAST).select_from(_WANTED.join(_LAST, onclause=true()))


class StatusSql(Sql):
    """Status in PostgreSQL."""

    async def recorded_status(self, tenant_id: UUID, service_id: UUID, edges: Sequence[int]) -> RecordedStatus | None:
        """What is recorded of a service, between edges as far as figures go; None if the tenant has no such one."""
        async with self._database.tenant(tenant_id) as connection:
            rows = (await connection.execute(_CHECKS, {"tenant": tenant_id, "service": service_id})).all()
            if not rows and not await has_service(connection, tenant_id, service_id):
                return None
            wanted = {"tenant": tenant_id, "checks": [row.id for row in rows]}
            last = [from_row(dict(row)) for row in (await connection.execute(_LAST_RESULTS, wanted)).mappings()]
            marks = [Mark(service_id, row.id, from_datetime(row.rolled_time)) for row in rows]
            recorded = await read_recorded(connection, tenant_id, marks, edges, latencies=True)
        return RecordedStatus(
            [tracked_check(row) for row in rows],
            {result.check_id: result for result in last},
            recorded.get(service_id, ()),
            # A service without checks has none: deleting a check ends its incident.
            rows[0].open_incidents if rows else 0,
        )
