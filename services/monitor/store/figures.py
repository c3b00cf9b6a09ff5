"""What figures of a tenant's checks are made of, in as many statements whatever is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.clock import HOUR_US, from_datetime, to_datetime
from services.common.database import Database
from services.common.tables import check_rollups, checks, services
from services.monitor.closing import Recorded, split
from services.monitor.overview import RecordedOverview, SlowCheck, WorkerCoverage
from services.monitor.service_state import Tally
from services.monitor.store.base import Sql
from services.monitor.store.recorded import Tail, figures_of, read_closed, read_tails
from services.monitor.store.services import tallies_of_all
from services.monitor.uptime import Figures

_Marks = Select[UUID, UUID, datetime]
_Kept = tuple[tuple[UUID, int, int, int | None], Figures, Sequence[SlowCheck]]
_MOST_KEPT = 10_000

# Which checks have all hours closed, as a number that differs when one comes or goes.
_WHICH = text("""
    SELECT count(*) AS checks, bit_xor(uuid_hash_extended(check_id, 0)) AS ids
    FROM check_rollups WHERE tenant_id = :tenant AND rolled_time >= :end
""").bindparams(bindparam("tenant", type_=Uuid), bindparam("end", type_=TIMESTAMP(timezone=True)))

# Totals in the row without a check, then the slowest checks of the last hour.
_OVERVIEW = text(
    """
    WITH each AS MATERIALIZED (
        SELECT k.check_id, h.*
        FROM check_rollups k
        CROSS JOIN LATERAL (
            SELECT sum(life_us) AS life_us, sum(up_us) AS up_us, sum(down_us) AS down_us, sum(up_slots) AS up_slots,
                   sum(down_slots) AS down_slots, sum(error_slots) AS error_slots, sum(missed_slots) AS missed_slots,
                   max(p95_us) FILTER (WHERE start_time = :last) AS p95_us
            FROM check_hours h
            WHERE h.tenant_id = k.tenant_id AND h.check_id = k.check_id
              AND h.start_time >= :start AND h.start_time < :end
        ) AS h
        WHERE k.tenant_id = :tenant AND k.rolled_time >= :end
    ), slowest AS (
        SELECT check_id, p95_us FROM each WHERE p95_us IS NOT NULL ORDER BY p95_us DESC, check_id LIMIT 5
    )
    SELECT NULL::uuid AS check_id, NULL::uuid AS service_id, NULL AS check_name, NULL AS service_name,
           NULL::integer AS p95_us, sum(life_us)::bigint AS life_us, sum(up_us)::bigint AS up_us,
           sum(down_us)::bigint AS down_us, sum(up_slots)::bigint AS up_slots, sum(down_slots)::bigint AS down_slots,
           sum(error_slots)::bigint AS error_slots, sum(missed_slots)::bigint AS missed_slots
    FROM each
    UNION ALL
    SELECT e.check_id, c.service_id, c.name, s.name, e.p95_us, 0, 0, 0, 0, 0, 0, 0
    FROM slowest e
    JOIN checks c ON c.tenant_id = :tenant AND c.id = e.check_id
    JOIN services s ON s.tenant_id = c.tenant_id AND s.id = c.service_id
""".replace("::", r"\:\:")
).bindparams(
    bindparam("tenant", type_=Uuid),
    *(bindparam(name, type_=TIMESTAMP(timezone=True)) for name in ("start", "last", "end")),
)
# A worker renews every 3 s and is dead after 10 (§5, §6).
_WORKERS = text("""
    SELECT (SELECT count(*) FROM workers WHERE renew_time > now() - interval '10 seconds') AS live,
           (SELECT count(*) FROM shard_leases WHERE expire_time > now()) AS held,
           (SELECT count(*) FROM shard_leases) AS shards
""")


class FiguresSql(Sql):
    """Figures in PostgreSQL.

    Args:
        database: under the role sentinel_monitor.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # By tenant: what closed hours add up to. Those hours never change, so it stays true for the same checks.
        self._closed: dict[UUID, _Kept] = {}

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
        which = _marks(tenant_id).where(checks.c.service_id.in_(service_ids))
        async with self._database.tenant(tenant_id) as connection:
            return await _read(connection, tenant_id, which, edges, latencies=latencies)

    async def overview(self, tenant_id: UUID, start_us: int, end_us: int, now: int) -> RecordedOverview:
        """What is recorded of all of a tenant: its services by state, and of their checks what is between full hours.

        Checks whose mark is at the end or behind, which are nearly all, are added up by the database, once an hour.
        Names of the slowest are as they were then.
        """
        span = {
            "tenant": tenant_id,
            "start": to_datetime(start_us),
            "last": to_datetime(end_us - HOUR_US),
            "end": to_datetime(end_us),
        }
        lagging = _marks(tenant_id).where(check_rollups.c.rolled_time < to_datetime(end_us))
        async with self._database.tenant(tenant_id) as connection:
            tallies = [
                (Tally(row.enabled, row.down, row.known, row.maintained), row.services)
                for row in await connection.execute(tallies_of_all(tenant_id, now))
            ]
            which = (await connection.execute(_WHICH, {"tenant": tenant_id, "end": span["end"]})).one()
            key = (tenant_id, end_us, which.checks, which.ids)
            if (kept := self._closed.get(tenant_id)) is None or kept[0] != key:
                kept = (key, *await _add_up(connection, span, Figures(start_us, end_us)))
                while len(self._closed) >= _MOST_KEPT:
                    del self._closed[next(iter(self._closed))]
                self._closed[tenant_id] = kept
            _, closed, slowest = kept
            behind = await _read(connection, tenant_id, lagging, [start_us, end_us], latencies=False)
            live, held, shards = (await connection.execute(_WORKERS)).one()
        tail = [each for by_check in behind.values() for each in by_check.values()]
        return RecordedOverview(tallies, closed, tail, slowest, WorkerCoverage(live, held, shards))


async def _add_up(
    connection: AsyncConnection, span: Mapping[str, object], figures: Figures
) -> tuple[Figures, Sequence[SlowCheck]]:
    """What closed hours add up to, and the slowest checks of the last of them."""
    slowest = []
    for row in await connection.execute(_OVERVIEW, span):
        if row.check_id is not None:
            slowest.append(SlowCheck(row.service_id, row.check_id, row.service_name, row.check_name, row.p95_us))
        elif row.life_us is not None:
            figures += replace(figures_of(row._asdict()), start_us=figures.start_us, end_us=figures.end_us)
    return figures, slowest


def _marks(tenant_id: UUID) -> _Marks:
    """The marks of a tenant's checks."""
    mark = (check_rollups.c.tenant_id == checks.c.tenant_id) & (check_rollups.c.check_id == checks.c.id)
    return (
        select(checks.c.service_id, checks.c.id, check_rollups.c.rolled_time)
        .join(check_rollups, mark)
        .where(checks.c.tenant_id == tenant_id)
    )


async def _read(
    connection: AsyncConnection, tenant_id: UUID, which: _Marks, edges: Sequence[int], *, latencies: bool
) -> Mapping[UUID, Mapping[UUID, Recorded]]:
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
    for check_id, part, figures in await read_closed(connection, tenant_id, days, hours, latencies=latencies):
        by_check[check_id].closed.append((part, figures))
    await read_tails(connection, tails, by_check)
    return by_service
