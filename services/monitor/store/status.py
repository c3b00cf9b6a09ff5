"""Read the status of services from PostgreSQL, in one transaction and few statements, which are built once."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, Row, Uuid, bindparam, column, func, select, true

from services.checks.result import from_row
from services.monitor.figures.closed_figures import ClosedFigures
from services.monitor.figures.needed import RollupWatermark
from services.monitor.status import RecordedStatus
from services.monitor.store.base import Sql, tracked, tracked_check
from services.monitor.store.figures import WATERMARK_OF_CHECK, read_recorded
from services.platform.clock import from_datetime
from services.platform.postgres.database import Database
from services.platform.security.secret_box import NO_KEYS, SecretBox
from services.shared_sql.tables import check_rollups, checks, incidents, results, services

_TENANT: BindParameter[UUID] = bindparam("tenant", type_=Uuid)
_SERVICES = bindparam("services", type_=ARRAY(Uuid))
_OPEN_INCIDENTS = (
    select(func.count())
    .where(
        incidents.c.tenant_id == _TENANT, incidents.c.service_id == checks.c.service_id, incidents.c.end_time.is_(None)
    )
    .scalar_subquery()
)
_CHECKS = (
    tracked(_TENANT)
    .join(check_rollups, WATERMARK_OF_CHECK)
    .add_columns(check_rollups.c.rolled_time, _OPEN_INCIDENTS.label("open_incidents"))
    .where(checks.c.service_id == func.any(_SERVICES))
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


_THE_SERVICES = select(services.c.id).where(services.c.tenant_id == _TENANT, services.c.id == func.any(_SERVICES))


class StatusSql(Sql):
    """The recorded data of the status of services in PostgreSQL.

    Args:
        database: under the role sentinel_monitor.
        box: encrypts and decrypts secrets of checks.
    """

    def __init__(self, database: Database, box: SecretBox = NO_KEYS) -> None:
        super().__init__(database, box)
        self._remembered = ClosedFigures()

    async def recorded_statuses(
        self, tenant_id: UUID, service_ids: Sequence[UUID], edges: Sequence[int]
    ) -> Mapping[UUID, RecordedStatus]:
        """Return the recorded data of services, by service; those that the tenant does not have are left out.

        Args:
            tenant_id: the tenant.
            service_ids: the services.
            edges: where the spans of figures begin and end, ascending.
        """
        wanted = {"tenant": tenant_id, "services": list(service_ids)}
        async with self._database.tenant(tenant_id) as connection:
            rows = (await connection.execute(_CHECKS, wanted)).all()
            there = {row.service_id for row in rows}
            if len(there) < len(service_ids):
                there.update(await connection.scalars(_THE_SERVICES, wanted))
            of_checks = {"tenant": tenant_id, "checks": [row.id for row in rows]}
            last = [from_row(dict(row)) for row in (await connection.execute(_LAST_RESULTS, of_checks)).mappings()]
            marks = [RollupWatermark(row.service_id, row.id, from_datetime(row.rolled_time)) for row in rows]
            recorded = await read_recorded(
                connection, tenant_id, marks, edges, latencies=True, remembered=self._remembered
            )
        by_check = {result.check_id: result for result in last}
        by_service: dict[UUID, list[Row[Any]]] = {service_id: [] for service_id in there}
        for row in rows:
            by_service[row.service_id].append(row)
        return {
            service_id: RecordedStatus(
                [tracked_check(row) for row in its_rows],
                {row.id: by_check[row.id] for row in its_rows if row.id in by_check},
                recorded.get(service_id, ()),
                # A service without checks has no open incident: deleting a check ends its incident.
                its_rows[0].open_incidents if its_rows else 0,
            )
            for service_id, its_rows in by_service.items()
        }
