"""What figures of a tenant's checks are made of, in as many statements whatever is asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.clock import from_datetime
from services.common.tables import check_rollups, checks
from services.monitor.closing import Recorded, split
from services.monitor.store.base import Sql, has_service
from services.monitor.store.incident_sums import read_incident_sums
from services.monitor.store.recorded import Tail, read_closed, read_tails

Marks = Select[UUID, UUID, datetime]


class FiguresSql(Sql):
    """Figures in PostgreSQL."""

    async def recorded(
        self, tenant_id: UUID, service_ids: Sequence[UUID], edges: Sequence[int]
    ) -> Mapping[UUID, Sequence[Recorded]]:
        """What is recorded of the checks of some services between edges, by service.

        Args:
            tenant_id: the tenant.
            service_ids: its services; those that it has not are left out.
            edges: where spans begin and end, rising; full hours as far as they are before a check's mark.
        """
        async with self._database.tenant(tenant_id) as connection:
            return await read_recorded_of_services(connection, tenant_id, service_ids, edges)

    async def recorded_of_service(
        self, tenant_id: UUID, service_id: UUID, edges: Sequence[int]
    ) -> Sequence[Recorded] | None:
        """What is recorded of a service's checks between edges; None if the tenant has no such service."""
        async with self._database.tenant(tenant_id) as connection:
            if not await has_service(connection, tenant_id, service_id):
                return None
            found = await read_recorded_of_services(connection, tenant_id, [service_id], edges)
        return found.get(service_id, ())


async def read_recorded_of_services(
    connection: AsyncConnection, tenant_id: UUID, service_ids: Sequence[UUID], edges: Sequence[int]
) -> Mapping[UUID, Sequence[Recorded]]:
    """What is recorded of the checks of some services between edges, incidents too, by service."""
    which = marks(tenant_id).where(checks.c.service_id.in_(service_ids))
    found = await read_recorded(connection, tenant_id, which, edges)
    by_check = {check_id: recorded for its_checks in found.values() for check_id, recorded in its_checks.items()}
    for check_id, part, sums in await read_incident_sums(connection, tenant_id, list(by_check), edges):
        by_check[check_id].incidents.append((part, sums))
    return {service_id: list(its_checks.values()) for service_id, its_checks in found.items()}


def marks(tenant_id: UUID) -> Marks:
    """The marks of a tenant's checks."""
    mark = (check_rollups.c.tenant_id == checks.c.tenant_id) & (check_rollups.c.check_id == checks.c.id)
    return (
        select(checks.c.service_id, checks.c.id, check_rollups.c.rolled_time)
        .join(check_rollups, mark)
        .where(checks.c.tenant_id == tenant_id)
    )


async def read_recorded(
    connection: AsyncConnection, tenant_id: UUID, which: Marks, edges: Sequence[int]
) -> Mapping[UUID, Mapping[UUID, Recorded]]:
    """What results tell of those checks whose marks are asked for, by service and check."""
    by_service: dict[UUID, dict[UUID, Recorded]] = {}
    by_check: dict[UUID, Recorded] = {}
    services_of: dict[UUID, UUID] = {}
    # The marks first: what is before them never changes, so it does not matter that they move on meanwhile.
    for service_id, check_id, rolled in await connection.execute(which):
        recorded = Recorded(from_datetime(rolled))
        by_service.setdefault(service_id, {})[check_id] = by_check[check_id] = recorded
        services_of[check_id] = service_id
    days, hours, tails = [], [], []
    for check_id, recorded in by_check.items():
        its_days, its_hours = split(check_id, edges, recorded.rolled_us)
        days += its_days
        hours += its_hours
        start = max(edges[0], recorded.rolled_us)
        if start < edges[-1]:
            tails.append(Tail(tenant_id, services_of[check_id], check_id, start, edges[-1]))
    for check_id, part, figures in await read_closed(connection, tenant_id, days, hours):
        by_check[check_id].closed.append((part, figures))
    await read_tails(connection, tails, by_check)
    return by_service
