"""What was recorded of checks: results, and when they were off."""

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, column, func, or_, select, true

from services.common.clock import from_datetime, to_datetime
from services.common.outcome import Outcome
from services.common.result import Result, from_row
from services.common.tables import check_periods, results, tenant_suspensions
from services.monitor.store.base import Sql
from services.monitor.uptime import Slot

_SLOTS_A_ROUND = 5_000


class HistorySql(Sql):
    """History in PostgreSQL."""

    async def last_results(self, tenant_id: UUID, check_ids: Sequence[UUID]) -> Mapping[UUID, Result]:
        """The latest result of each check that has one."""
        wanted = func.unnest(cast(list(check_ids), ARRAY(Uuid))).table_valued(column("id", Uuid)).render_derived()
        last = (
            select(results)
            .where(results.c.tenant_id == tenant_id, results.c.check_id == wanted.c.id)
            .order_by(results.c.slot_time.desc())
            .limit(1)
            .lateral()
        )
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.execute(select(last).select_from(wanted.join(last, onclause=true())))
            return {row["check_id"]: from_row(dict(row)) for row in rows.mappings()}

    async def suspensions(self, tenant_id: UUID, since_us: int, now: int) -> Sequence[tuple[int, int]]:
        """Spans [start, end) in which the tenant was suspended, of those that ended behind a point in time."""
        ended = func.coalesce(tenant_suspensions.c.end_time, to_datetime(now)).label("end_time")
        query = select(tenant_suspensions.c.start_time, ended).where(
            tenant_suspensions.c.tenant_id == tenant_id, ended > to_datetime(since_us)
        )
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.execute(query)
            return [(from_datetime(row.start_time), from_datetime(row.end_time)) for row in rows]

    async def periods(
        self, tenant_id: UUID, check_ids: Sequence[UUID], since_us: int
    ) -> Mapping[UUID, Sequence[tuple[int, int | None]]]:
        """The spans in which checks were enabled, in order, of those that ended behind a point in time or are open."""
        end = check_periods.c.end_time
        query = (
            select(check_periods.c.check_id, check_periods.c.start_time, end)
            .where(
                check_periods.c.tenant_id == tenant_id,
                check_periods.c.check_id.in_(check_ids),
                or_(end.is_(None), end > to_datetime(since_us)),
            )
            .order_by(check_periods.c.start_time)
        )
        found: dict[UUID, list[tuple[int, int | None]]] = {}
        async with self._database.tenant(tenant_id) as connection:
            for row in await connection.execute(query):
                span = (from_datetime(row.start_time), None if row.end_time is None else from_datetime(row.end_time))
                found.setdefault(row.check_id, []).append(span)
        return found

    async def slots(self, tenant_id: UUID, check_id: UUID, from_us: int, to_us: int) -> AsyncIterator[Sequence[Slot]]:
        """A check's results with slots in [from, to), in order; a few thousand in a round trip."""
        query = (
            select(results.c.slot_time, results.c.interval_us, results.c.outcome)
            .where(
                results.c.tenant_id == tenant_id,
                results.c.check_id == check_id,
                results.c.slot_time >= to_datetime(from_us),
                results.c.slot_time < to_datetime(to_us),
            )
            .order_by(results.c.slot_time)
            .execution_options(yield_per=_SLOTS_A_ROUND)
        )
        async with self._database.tenant(tenant_id) as connection:
            async for rows in (await connection.stream(query)).partitions():
                yield [Slot(from_datetime(row.slot_time), row.interval_us, Outcome(row.outcome)) for row in rows]

    async def remove_history(self, most: int) -> bool:
        """Remove at most so many rows of deleted checks, unless another process is at it; whether more is left here."""
        async with self._database.untenanted() as connection:
            more: bool = (await connection.execute(select(func.remove_history(most)))).scalar_one()
            return more
