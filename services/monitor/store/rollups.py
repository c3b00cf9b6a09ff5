"""SQL that closes hours and days and drops old results, for all tenants, under the role sentinel_rollup."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TypeAlias
from uuid import UUID

import asyncpg
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.monitor.figures.closed_hours import (
    Candidate,
    CheckHistory,
    HoursToClose,
    choose_batch,
    floor,
    hourly_figures,
    settled_us,
)
from services.monitor.figures.needed import OpenSpans
from services.monitor.figures.rollup import Retention, RollupPosition, RollupStep, RollupStepFailed
from services.monitor.figures.uptime import Figures, total
from services.monitor.store.base import Sql
from services.monitor.store.figure_inputs import FIGURES_COLUMNS, columns_of, figures_of, read_open_spans
from services.platform.clock import DAY_US, from_datetime, to_datetime
from services.platform.errors import Unavailable
from services.platform.postgres.database import driver_of

_ONE_AT_A_TIME = "SELECT pg_try_advisory_xact_lock(hashtextextended('roll_up', 0))"
_Closed = tuple[HoursToClose, Sequence[Figures]]
_Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# In the order of their watermarks. A transaction that deletes a check waits for this one, so that it leaves no rows.
_CANDIDATES = """
    SELECT k.tenant_id, c.service_id, k.check_id, k.rolled_time, s.accounted_time, c.interval_us
    FROM check_rollups k
    JOIN check_states s ON s.tenant_id = k.tenant_id AND s.check_id = k.check_id
    JOIN checks c ON c.tenant_id = k.tenant_id AND c.id = k.check_id
    WHERE k.rolled_time < $1 AND (k.rolled_time, k.tenant_id, k.check_id) > ($2, $3, $4)
        AND k.check_id <> ALL($6::uuid[])
    ORDER BY k.rolled_time, k.tenant_id, k.check_id
    LIMIT $5
    FOR UPDATE OF k SKIP LOCKED
"""
# Between batches the event loop runs other work: a batch takes about a millisecond.
_CHECKS_AT_ONCE = 16
_START = RollupPosition(0, UUID(int=0), UUID(int=0))
_CHECKS = "unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS w (tenant_id, check_id, moment)"
_SET_WATERMARKS = f"""
    UPDATE check_rollups k SET rolled_time = w.moment FROM {_CHECKS}
    WHERE k.tenant_id = w.tenant_id AND k.check_id = w.check_id
"""  # noqa: S608 — our own text
_FORGET = f"""
    DELETE FROM check_hours h USING {_CHECKS}
    WHERE h.tenant_id = w.tenant_id AND h.check_id = w.check_id AND h.start_time < w.moment
"""  # noqa: S608 — our own text
_HOURS = """
    SELECT h.*
    FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[])
        AS w (tenant_id, check_id, moment, end_time)
    CROSS JOIN LATERAL (
        SELECT * FROM check_hours r
        WHERE r.tenant_id = w.tenant_id AND r.check_id = w.check_id
          AND r.start_time >= w.moment AND r.start_time < w.end_time
    ) AS h
"""

_DROP_ON_DEMAND = """
    DELETE FROM on_demand_results WHERE (tenant_id, check_id, slot_time) IN (
        SELECT tenant_id, check_id, slot_time FROM on_demand_results
        WHERE slot_time < $1 ORDER BY slot_time LIMIT $2
    )
    RETURNING 1
"""


def _write_into(table: str) -> str:
    """Return the statement that upserts figures, one array per column."""
    names = list(FIGURES_COLUMNS)
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(FIGURES_COLUMNS.values(), 3))
    changed = ", ".join(f"{name} = excluded.{name}" for name in names)
    return f"""
        INSERT INTO {table} (tenant_id, check_id, {", ".join(names)})
        SELECT * FROM unnest($1::uuid[], $2::uuid[], {arrays})
        ON CONFLICT (tenant_id, check_id, start_time) DO UPDATE SET {changed}
    """  # noqa: S608 — our own names


_WRITE_HOURS, _WRITE_DAYS = _write_into("check_hours"), _write_into("check_days")


class RollupSql(Sql):
    """SQL of roll-ups."""

    async def roll_up(
        self, behind: RollupPosition | None, now: int, keep: Retention, most: int, quarantined: Sequence[UUID] = ()
    ) -> RollupStep:
        """Close what can be closed of some checks, in one transaction; do nothing if another process does it.

        Args:
            behind: the position to continue after; None to begin.
            now: the present time in microseconds.
            keep: the retention times.
            most: how many checks to examine.
            quarantined: checks in quarantine.

        Raises:
            RollupStepFailed: the step failed, although the database is available.
        """
        chosen: list[HoursToClose] = []
        try:
            async with self._database.untenanted() as connection:
                driver = await driver_of(connection)
                if not await driver.fetchval(_ONE_AT_A_TIME):
                    return RollupStep(None, moved=False)
                found = await _read_candidates(driver, behind or _START, settled_us(now), most, quarantined)
                chosen = choose_batch(found, now, keep.raw_us)
                closing = [each for each in chosen if each.until_us > each.candidate.rolled_us]
                await _roll(connection, closing, now, keep)
        except Unavailable:
            raise
        except Exception as error:
            if not chosen:
                raise
            raise RollupStepFailed([_position_of(each) for each in chosen]) from error
        end = len(chosen) < most and len(chosen) == len(found)
        return RollupStep(None if end else _position_of(chosen[-1]), moved=bool(closing))

    async def drop_on_demand(self, before_us: int, most: int) -> bool:
        """Delete at most so many on-demand results from before a time; return whether there were so many."""
        async with self._database.untenanted() as connection:
            driver = await driver_of(connection)
            return len(await driver.fetch(_DROP_ON_DEMAND, to_datetime(before_us), most)) == most

    async def make_day(self, day_us: int) -> None:
        """Create the partition for a day's results; skip if it exists, or if a long read blocks it."""
        async with self._database.untenanted() as connection:
            await connection.execute(select(func.make_results_day_ahead(to_datetime(day_us).date())))

    async def drop_day(self, before_us: int) -> date | None:
        """Drop the oldest day of results if it is before a day and no longer needed; return that day, or None."""
        async with self._database.untenanted() as connection:
            dropped: date | None = (
                await connection.execute(select(func.drop_results_day(to_datetime(before_us).date())))
            ).scalar_one()
            return dropped


def _position_of(closing: HoursToClose) -> RollupPosition:
    candidate = closing.candidate
    return RollupPosition(candidate.rolled_us, candidate.tenant_id, candidate.check_id)


async def _read_candidates(
    driver: _Driver, behind: RollupPosition, bound_us: int, most: int, quarantined: Sequence[UUID]
) -> Sequence[Candidate]:
    after = (to_datetime(behind.rolled_us), behind.tenant_id, behind.check_id)
    rows = await driver.fetch(_CANDIDATES, to_datetime(bound_us), *after, most, quarantined)
    return [
        Candidate(
            tenant_id=tenant_id,
            service_id=service_id,
            check_id=check_id,
            rolled_us=from_datetime(rolled),
            accounted_us=from_datetime(accounted),
            interval_us=interval_us,
        )
        for tenant_id, service_id, check_id, rolled, accounted, interval_us in rows
    ]


async def _roll(connection: AsyncConnection, closing: Sequence[HoursToClose], now: int, keep: Retention) -> None:
    if not closing:
        return
    recorded = {each.candidate.check_id: CheckHistory(rolled_us=each.candidate.rolled_us) for each in closing}
    tails = [
        OpenSpans(
            each.candidate.tenant_id,
            each.candidate.service_id,
            each.candidate.check_id,
            [(each.candidate.rolled_us, each.until_us)],
        )
        for each in closing
    ]
    await read_open_spans(connection, tails, recorded)
    closed = []
    for number, each in enumerate(closing, 1):
        closed.append((each, hourly_figures(recorded[each.candidate.check_id], each.until_us)))
        if number % _CHECKS_AT_ONCE == 0:
            await asyncio.sleep(0)
    driver = await driver_of(connection)
    await _write(driver, _WRITE_HOURS, closed)
    await _write(driver, _WRITE_DAYS, await _completed_days(driver, closing))
    tenants, checks = _keys(closing)
    await driver.execute(_SET_WATERMARKS, tenants, checks, [to_datetime(each.until_us) for each in closing])
    # Expired hours are deleted, but never an hour of an incomplete day.
    before = floor(now - keep.hourly_us, DAY_US)
    starts = [to_datetime(min(before, floor(each.until_us, DAY_US))) for each in closing]
    await driver.execute(_FORGET, tenants, checks, starts)


async def _completed_days(driver: _Driver, closing: Sequence[HoursToClose]) -> list[_Closed]:
    """Return the figures of days whose last hour was just closed, summed from their hours."""
    completing = [each for each in closing if each.first_day_us < each.last_day_us]
    if not completing:
        return []
    starts = [to_datetime(each.first_day_us) for each in completing]
    ends = [to_datetime(each.last_day_us) for each in completing]
    sums: dict[tuple[UUID, int], list[Figures]] = {}
    for row in await driver.fetch(_HOURS, *_keys(completing), starts, ends):
        day = floor(from_datetime(row["start_time"]), DAY_US)
        figures = replace(figures_of(dict(row)), start_us=day, end_us=day + DAY_US)
        sums.setdefault((row["check_id"], day), []).append(figures)
    by_check = {each.candidate.check_id: each for each in completing}
    return [(by_check[check_id], [total(some)]) for (check_id, _), some in sums.items()]


async def _write(driver: _Driver, statement: str, closed: Sequence[_Closed]) -> None:
    rows = [
        (each.candidate.tenant_id, each.candidate.check_id, *columns_of(figures))
        for each, some in closed
        for figures in some
    ]
    if rows:
        await driver.execute(statement, *zip(*rows, strict=True))


def _keys(some: Sequence[HoursToClose]) -> tuple[list[UUID], list[UUID]]:
    return [each.candidate.tenant_id for each in some], [each.candidate.check_id for each in some]
