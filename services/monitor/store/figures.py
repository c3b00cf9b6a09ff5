"""Read the data of figures from PostgreSQL, in a fixed number of statements."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.monitor.figures.closed_figures import ClosedFigures
from services.monitor.figures.closed_hours import CheckHistory
from services.monitor.figures.needed import RollupWatermark, needed
from services.monitor.store.base import Sql, has_service
from services.monitor.store.figure_inputs import read_closed, read_open_spans
from services.monitor.store.incident_sums import read_incident_sums
from services.platform.clock import from_datetime
from services.shared_sql.tables import check_rollups, checks

WATERMARK_OF_CHECK = (check_rollups.c.tenant_id == checks.c.tenant_id) & (check_rollups.c.check_id == checks.c.id)


class FiguresSql(Sql):
    """The data of figures in PostgreSQL."""

    async def recorded(
        self, tenant_id: UUID, service_ids: Sequence[UUID], edges: Sequence[int]
    ) -> Mapping[UUID, Sequence[CheckHistory]]:
        """Return the recorded data of the checks of some services between edges, by service.

        Closed figures have no latencies.

        Args:
            tenant_id: the tenant.
            service_ids: the services; those that the tenant does not have, or that have no checks, are left out.
            edges: where spans begin and end, ascending.
        """
        which = rollup_watermarks(tenant_id).where(checks.c.service_id.in_(service_ids))
        async with self._database.tenant(tenant_id) as connection:
            return await read_recorded(
                connection, tenant_id, await read_watermarks(connection, which), edges, latencies=False
            )

    async def recorded_of_service(
        self, tenant_id: UUID, service_id: UUID, edges: Sequence[int]
    ) -> Sequence[CheckHistory] | None:
        """Return the recorded data of a service's checks between edges; None if the tenant has no such service."""
        which = rollup_watermarks(tenant_id).where(checks.c.service_id == service_id)
        async with self._database.tenant(tenant_id) as connection:
            watermarks = await read_watermarks(connection, which)
            if not watermarks and not await has_service(connection, tenant_id, service_id):
                return None
            found = await read_recorded(connection, tenant_id, watermarks, edges, latencies=True)
        return found.get(service_id, ())


def rollup_watermarks(tenant_id: UUID) -> Select[UUID, UUID, datetime]:
    """Return the query of the roll-up watermarks of a tenant's checks."""
    return (
        select(checks.c.service_id, checks.c.id, check_rollups.c.rolled_time)
        .join(check_rollups, WATERMARK_OF_CHECK)
        .where(checks.c.tenant_id == tenant_id)
    )


async def read_watermarks(
    connection: AsyncConnection, which: Select[UUID, UUID, datetime]
) -> Sequence[RollupWatermark]:
    """Return the watermarks that a query selects."""
    rows = await connection.execute(which)
    return [RollupWatermark(service_id, check_id, from_datetime(rolled)) for service_id, check_id, rolled in rows]


async def read_recorded(
    connection: AsyncConnection,
    tenant_id: UUID,
    watermarks: Sequence[RollupWatermark],
    edges: Sequence[int],
    *,
    latencies: bool,
    remembered: ClosedFigures | None = None,
) -> Mapping[UUID, Sequence[CheckHistory]]:
    """Return the recorded data of checks between edges, by service.

    Args:
        connection: a connection in the transaction that has read the watermarks. A watermark may advance meanwhile,
            because closed figures before it do not change.
        tenant_id: the tenant of the checks.
        watermarks: the watermarks of the checks.
        edges: where spans begin and end, ascending.
        latencies: whether closed figures have latencies.
        remembered: the cache of closed figures; None to read all.
    """
    by_check = await read_results(connection, tenant_id, watermarks, edges, latencies=latencies, remembered=remembered)
    for check_id, part, sums in await read_incident_sums(connection, tenant_id, list(by_check), edges):
        by_check[check_id].incidents.append((part, sums))
    by_service: dict[UUID, list[CheckHistory]] = {}
    for mark in watermarks:
        by_service.setdefault(mark.service_id, []).append(by_check[mark.check_id])
    return by_service


async def read_results(
    connection: AsyncConnection,
    tenant_id: UUID,
    watermarks: Sequence[RollupWatermark],
    edges: Sequence[int],
    *,
    latencies: bool,
    remembered: ClosedFigures | None = None,
) -> Mapping[UUID, CheckHistory]:
    """Return the recorded data of checks between edges without incidents, by check; arguments as above."""
    by_check = {mark.check_id: CheckHistory(rolled_us=mark.rolled_us) for mark in watermarks}
    wanted = needed(tenant_id, watermarks, edges, remembered)
    for check_id, parts in wanted.known:
        by_check[check_id].closed.extend(parts)
    closed = await read_closed(connection, tenant_id, wanted.days, wanted.hours, latencies=latencies)
    for check_id, part, figures in closed:
        by_check[check_id].closed.append((part, figures))
    if remembered:
        remembered.store(by_check, wanted.days, wanted.hours)
    await read_open_spans(connection, wanted.tails, by_check)
    return by_check
