"""Closing hours and days, and dropping results behind them: for all tenants, under the role sentinel_rollup."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid, bindparam, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import TIMESTAMP, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.clock import DAY_US, from_datetime, to_datetime
from services.common.tables import check_days, check_hours, check_rollups, check_states, checks
from services.monitor.closing import Candidate, Closing, Recorded, choose, floor, hours, settled_us
from services.monitor.rollup import Keep, Place, Step
from services.monitor.store.base import Sql
from services.monitor.store.recorded import Tail, columns_of, figures_of, read_tails
from services.monitor.uptime import Figures, total

_ONE_AT_A_TIME = func.pg_try_advisory_xact_lock(func.hashtextextended("roll_up", 0))
_Closed = tuple[Closing, Sequence[Figures]]

_ARRAYS = (
    bindparam("tenants", type_=ARRAY(Uuid)),
    bindparam("checks", type_=ARRAY(Uuid)),
    bindparam("moments", type_=ARRAY(TIMESTAMP(timezone=True))),
)
_MOVE = text("""
    UPDATE check_rollups k SET rolled_time = w.moment
    FROM unnest(:tenants, :checks, :moments) AS w (tenant_id, check_id, moment)
    WHERE k.tenant_id = w.tenant_id AND k.check_id = w.check_id
""").bindparams(*_ARRAYS)
_FORGET = text("""
    DELETE FROM check_hours h USING unnest(:tenants, :checks, :moments) AS w (tenant_id, check_id, moment)
    WHERE h.tenant_id = w.tenant_id AND h.check_id = w.check_id AND h.start_time < w.moment
""").bindparams(*_ARRAYS)
_HOURS = text("""
    SELECT h.*
    FROM unnest(:tenants, :checks, :moments, :ends) AS w (tenant_id, check_id, moment, end_time)
    CROSS JOIN LATERAL (
        SELECT * FROM check_hours r
        WHERE r.tenant_id = w.tenant_id AND r.check_id = w.check_id
          AND r.start_time >= w.moment AND r.start_time < w.end_time
    ) AS h
""").bindparams(*_ARRAYS, bindparam("ends", type_=ARRAY(TIMESTAMP(timezone=True))))


class RollupSql(Sql):
    """Rollups in PostgreSQL."""

    async def roll_up(self, behind: Place | None, now: int, keep: Keep, most: int) -> Step:
        """Close what can be closed of some checks, in one transaction, unless another process is at it.

        Args:
            behind: where to go on; None to begin.
            now: the time.
            keep: how long what is kept.
            most: how many checks to look at.
        """
        async with self._database.untenanted() as connection:
            if not (await connection.execute(select(_ONE_AT_A_TIME))).scalar_one():
                return Step(None, moved=False)
            found = await _candidates(connection, behind, settled_us(now), most)
            chosen = choose(found, now, keep.raw_us)
            moving = [each for each in chosen if each.until_us > each.candidate.rolled_us]
            await _roll(connection, moving, now, keep)
        if len(chosen) < most and len(chosen) == len(found):
            return Step(None, moved=bool(moving))
        last = chosen[-1].candidate
        return Step(Place(last.rolled_us, last.tenant_id, last.check_id), moved=bool(moving))

    async def make_day(self, day_us: int) -> None:
        """Make room for the results of a day, if there is none, unless somebody reads for long: then another time."""
        async with self._database.untenanted() as connection:
            await connection.execute(select(func.make_results_day_ahead(to_datetime(day_us).date())))

    async def drop_day(self, before_us: int) -> date | None:
        """Drop the oldest day of results, if it is before a day and nobody needs it any more; the day."""
        async with self._database.untenanted() as connection:
            dropped: date | None = (
                await connection.execute(select(func.drop_results_day(to_datetime(before_us).date())))
            ).scalar_one()
            return dropped


async def _candidates(
    connection: AsyncConnection, behind: Place | None, bound_us: int, most: int
) -> Sequence[Candidate]:
    """Checks in the order of their marks. Whoever deletes one waits for us, so that it leaves nothing behind."""
    place = tuple_(check_rollups.c.rolled_time, check_rollups.c.tenant_id, check_rollups.c.check_id)
    query = (
        select(
            check_rollups.c.tenant_id,
            checks.c.service_id,
            check_rollups.c.check_id,
            check_rollups.c.rolled_time,
            check_states.c.accounted_time,
            checks.c.interval_us,
        )
        .join(
            check_states,
            (check_states.c.tenant_id == check_rollups.c.tenant_id)
            & (check_states.c.check_id == check_rollups.c.check_id),
        )
        .join(
            checks,
            (checks.c.tenant_id == check_rollups.c.tenant_id) & (checks.c.id == check_rollups.c.check_id),
        )
        .where(check_rollups.c.rolled_time < to_datetime(bound_us))
        .order_by(check_rollups.c.rolled_time, check_rollups.c.tenant_id, check_rollups.c.check_id)
        .limit(most)
        .with_for_update(of=check_rollups, skip_locked=True)
    )
    if behind is not None:
        query = query.where(place > tuple_(to_datetime(behind.rolled_us), behind.tenant_id, behind.check_id))
    return [
        Candidate(tenant_id, service_id, check_id, from_datetime(rolled), from_datetime(accounted), interval_us)
        for tenant_id, service_id, check_id, rolled, accounted, interval_us in await connection.execute(query)
    ]


async def _roll(connection: AsyncConnection, moving: Sequence[Closing], now: int, keep: Keep) -> None:
    if not moving:
        return
    recorded = {each.candidate.check_id: Recorded(each.candidate.rolled_us) for each in moving}
    tails = [
        Tail(
            each.candidate.tenant_id,
            each.candidate.service_id,
            each.candidate.check_id,
            [(each.candidate.rolled_us, each.until_us)],
        )
        for each in moving
    ]
    await read_tails(connection, tails, recorded)
    closed = [(each, hours(recorded[each.candidate.check_id], each.until_us)) for each in moving]
    await _write(connection, check_hours, closed)
    await _write(connection, check_days, await _completed_days(connection, moving))
    keys = _keys(moving)
    await connection.execute(_MOVE, {**keys, "moments": [to_datetime(each.until_us) for each in moving]})
    # What is added in front goes behind; never an hour whose day is not complete.
    before = floor(now - keep.hourly_us, DAY_US)
    await connection.execute(
        _FORGET, {**keys, "moments": [to_datetime(min(before, floor(each.until_us, DAY_US))) for each in moving]}
    )


async def _completed_days(connection: AsyncConnection, moving: Sequence[Closing]) -> list[_Closed]:
    """The figures of days whose last hour was just closed, from all their hours."""
    completing = [each for each in moving if each.first_day_us < each.last_day_us]
    if not completing:
        return []
    rows = await connection.execute(
        _HOURS,
        {
            **_keys(completing),
            "moments": [to_datetime(each.first_day_us) for each in completing],
            "ends": [to_datetime(each.last_day_us) for each in completing],
        },
    )
    sums: dict[tuple[UUID, int], list[Figures]] = {}
    for row in rows:
        start = from_datetime(row.start_time)
        day = floor(start, DAY_US)
        sums.setdefault((row.check_id, day), []).append(replace(figures_of(row), start_us=day, end_us=day + DAY_US))
    by_check = {each.candidate.check_id: each for each in completing}
    return [(by_check[check_id], [total(some)]) for (check_id, _), some in sums.items()]


async def _write(connection: AsyncConnection, table: Table, closed: Sequence[_Closed]) -> None:
    rows = [
        {"tenant_id": each.candidate.tenant_id, "check_id": each.candidate.check_id, **columns_of(figures)}
        for each, some in closed
        for figures in some
    ]
    if not rows:
        return
    statement = insert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in table.primary_key.columns}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed), rows
    )


def _keys(some: Sequence[Closing]) -> dict[str, Any]:
    return {
        "tenants": [each.candidate.tenant_id for each in some],
        "checks": [each.candidate.check_id for each in some],
    }
