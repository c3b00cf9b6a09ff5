"""What figures of a tenant's checks are made of, in as many statements whatever is asked."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from services.common.clock import from_datetime
from services.common.tables import check_rollups, checks, services
from services.monitor.closing import Recorded, split
from services.monitor.store.base import Sql
from services.monitor.store.recorded import Tail, read_closed, read_tails


class FiguresSql(Sql):
    """Figures in PostgreSQL."""

    async def has_service(self, tenant_id: UUID, service_id: UUID) -> bool:
        """Whether the tenant has a service."""
        query = select(services.c.id).where(services.c.tenant_id == tenant_id, services.c.id == service_id)
        async with self._database.tenant(tenant_id) as connection:
            return (await connection.execute(query)).one_or_none() is not None

    async def recorded(
        self, tenant_id: UUID, service_ids: Sequence[UUID], edges: Sequence[int], *, latencies: bool
    ) -> Mapping[UUID, Mapping[UUID, Recorded]]:
        """What is recorded of the checks of some services between edges, by service and check.

        Args:
            tenant_id: the tenant.
            service_ids: its services; those that it has not are left out.
            edges: where spans begin and end, rising; full hours as far as they are before a check's mark.
            latencies: whether closed figures carry latencies.
        """
        marks = (
            select(checks.c.service_id, checks.c.id, check_rollups.c.rolled_time)
            .join(
                check_rollups,
                (check_rollups.c.tenant_id == checks.c.tenant_id) & (check_rollups.c.check_id == checks.c.id),
            )
            .where(checks.c.tenant_id == tenant_id, checks.c.service_id.in_(service_ids))
        )
        by_service: dict[UUID, dict[UUID, Recorded]] = {}
        by_check: dict[UUID, Recorded] = {}
        async with self._database.tenant(tenant_id) as connection:
            # The marks first: what is before them never changes, so it does not matter that they move on meanwhile.
            for service_id, check_id, rolled in await connection.execute(marks):
                recorded = Recorded(from_datetime(rolled))
                by_service.setdefault(service_id, {})[check_id] = by_check[check_id] = recorded
            days, hours, tails = [], [], []
            for check_id, recorded in by_check.items():
                its_days, its_hours = split(check_id, edges, recorded.rolled_us)
                days += its_days
                hours += its_hours
                start = max(edges[0], recorded.rolled_us)
                if start < edges[-1]:
                    tails.append(Tail(tenant_id, check_id, start, edges[-1]))
            for check_id, part, figures in await read_closed(connection, tenant_id, days, hours, latencies=latencies):
                by_check[check_id].closed.append((part, figures))
            await read_tails(connection, tails, by_check)
        return by_service
