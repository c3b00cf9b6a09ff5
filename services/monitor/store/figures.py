"""Read the data of figures from PostgreSQL, in a fixed number of statements."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.monitor.figures.closed_figures import ClosedFigures
from services.monitor.figures.closing import Recorded
from services.monitor.figures.needed import Mark, needed
from services.monitor.store.base import Sql, has_service
from services.monitor.store.incident_sums import read_incident_sums
from services.monitor.store.recorded import read_closed, read_tails
from services.platform.clock import from_datetime
from services.shared_sql.tables import check_rollups, checks

ITS_MARK = (check_rollups.c.tenant_id == checks.c.tenant_id) & (check_rollups.c.check_id == checks.c.id)


class FiguresSql(Sql):
    """The data of figures in PostgreSQL."""

    async def recorded(
        self, tenant_id: UUID, service_ids: Sequence[UUID], edges: Sequence[int]
    ) -> Mapping[UUID, Sequence[Recorded]]:
        """Return the recorded data of the checks of some services between edges, by service.

        Closed figures have no latencies.

        Args:
            tenant_id: the tenant.
            service_ids: the services; those that the tenant does not have, or that have no checks, are left out.
            edges: where spans begin and end, ascending.
        """
        which = marks(tenant_id).where(checks.c.service_id.in_(service_ids))
        async with self._database.tenant(tenant_id) as connection:
            return await read_recorded(
                connection, tenant_id, await read_marks(connection, which), edges, latencies=False
            )

    async def recorded_of_service(
        self, tenant_id: UUID, service_id: UUID, edges: Sequence[int]
    ) -> Sequence[Recorded] | None:
        """Return the recorded data of a service's checks between edges; None if the tenant has no such service."""
        which = marks(tenant_id).where(checks.c.service_id == service_id)
        async with self._database.tenant(tenant_id) as connection:
            its_marks = await read_marks(connection, which)
            if not its_marks and not await has_service(connection, tenant_id, service_id):
                return None
            found = await read_recorded(connection, tenant_id, its_marks, edges, latencies=True)
        return found.get(service_id, ())


def marks(tenant_id: UUID) -> Select[UUID, UUID, datetime]:
    """Return the query of the marks of a tenant's checks."""
    return (
        select(checks.c.service_id, checks.c.id, check_rollups.c.rolled_time)
        .join(check_rollups, ITS_MARK)
        .where(checks.c.tenant_id == tenant_id)
    )


async def read_marks(connection: AsyncConnection, which: Select[UUID, UUID, datetime]) -> Sequence[Mark]:
    """Return the marks that a query selects."""
    rows = await connection.execute(which)
    return [Mark(service_id, check_id, from_datetime(rolled)) for service_id, check_id, rolled in rows]


async def read_recorded(
    connection: AsyncConnection,
    tenant_id: UUID,
    its_marks: Sequence[Mark],
    edges: Sequence[int],
    *,
    latencies: bool,
    remembered: ClosedFigures | None = None,
) -> Mapping[UUID, Sequence[Recorded]]:
    """Return the recorded data of checks between edges, by service.

    Args:
        connection: a connection in the transaction that has read the marks. A mark may move meanwhile, because closed
            figures before a mark do not change.
        tenant_id: the tenant of the checks.
        its_marks: the marks of the checks.
        edges: where spans begin and end, ascending.
        latencies: whether closed figures have latencies.
        remembered: the cache of closed figures; None to read all.
    """
    by_check = await read_results(connection, tenant_id, its_marks, edges, latencies=latencies, remembered=remembered)
    for check_id, part, sums in await read_incident_sums(connection, tenant_id, list(by_check), edges):
        by_check[check_id].incidents.append((part, sums))
    by_service: dict[UUID, list[Recorded]] = {}
    for mark in its_marks:
        by_service.setdefault(mark.service_id, []).append(by_check[mark.check_id])
    return by_service


async def read_results(
    connection: AsyncConnection,
    tenant_id: UUID,
    its_marks: Sequence[Mark],
    edges: Sequence[int],
    *,
    latencies: bool,
    remembered: ClosedFigures | None = None,
) -> Mapping[UUID, Recorded]:
    """Return the recorded data of checks between edges without incidents, by check; arguments as above."""
    by_check = {mark.check_id: Recorded(rolled_us=mark.rolled_us) for mark in its_marks}
    wanted = needed(tenant_id, its_marks, edges, remembered)
    for check_id, parts in wanted.known:
        by_check[check_id].closed.extend(parts)
    closed = await read_closed(connection, tenant_id, wanted.days, wanted.hours, latencies=latencies)
    for check_id, part, figures in closed:
        by_check[check_id].closed.append((part, figures))
    if remembered:
        remembered.keep(by_check, wanted.days, wanted.hours)
    await read_tails(connection, wanted.tails, by_check)
    return by_check
