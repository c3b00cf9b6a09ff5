"""Closing hours and days, one process at a time, and dropping what is old: no figure changes."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.monitor.figures.buckets import raw_results_since
from services.monitor.figures.closed_hours import floor
from services.monitor.figures.rollup import Retention, Rollup
from services.monitor.store.rollups import RollupSql
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, from_datetime, now_us, to_datetime
from tests.integration.monitor.conftest import KEEP, Admin, Monitor
from tests.integration.monitor.histories import History, a_history


async def test_a_deleted_check_leaves_no_figures(monitor: Monitor, admin: Admin, rollups: RollupSql) -> None:
    history = await a_history(admin, monitor, 20 * MINUTE_US, days=3)
    await Rollup(rollups, KEEP).round(now_us())
    assert await admin.fetchval("SELECT count(*) FROM check_hours") > 50

    await monitor.checks.delete(monitor.actor, history.service_id, history.check_id)
    steps = 0
    while await monitor.store.remove_history(40):
        steps += 1
    assert steps > 5
    for table in ("results", "check_hours", "check_days", "check_rollups", "removed_checks"):
        assert await admin.fetchval(f"SELECT count(*) FROM {table}") == 0


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Admin]:
    """A connection of somebody else's."""
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_one_process_at_a_time_rolls_up(
    monitor: Monitor, admin: Admin, rollups: RollupSql, database_url: str
) -> None:
    await a_history(admin, monitor, 20 * MINUTE_US, days=2)
    async with connected(database_url) as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(hashtextextended('roll_up', 0))")
        assert not (await rollups.roll_up(None, now_us(), KEEP, 10)).moved
    assert (await rollups.roll_up(None, now_us(), KEEP, 10)).moved


async def days_of_results(admin: Admin) -> list[str]:
    rows = await admin.fetch(
        "SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'results'::regclass ORDER BY 1"
    )
    return [row[0] for row in rows]


def day_name(moment_us: int) -> str:
    return f"{to_datetime(moment_us):%Y%m%d}"


async def test_old_days_of_results_go_and_no_figure_changes(monitor: Monitor, admin: Admin, rollups: RollupSql) -> None:
    now, keep = now_us(), Retention(7 * DAY_US, 400 * DAY_US)
    history = await a_history(admin, monitor, 20 * MINUTE_US, days=12)
    rounds = Rollup(rollups, keep)
    edges = [floor(now - 11 * DAY_US, DAY_US), floor(now - 3 * DAY_US, DAY_US), now]
    before = await history.shown(edges, now)

    await rounds.move_days(now)
    assert (await days_of_results(admin))[0] == day_name(history.slots[0].slot_us)  # nothing is rolled up yet
    await rounds.round(now)
    await rounds.move_days(now)
    days = await days_of_results(admin)
    assert days[0] == day_name(now - 7 * DAY_US)
    assert days[-1] == day_name(now + 3 * DAY_US)
    after = await history.shown(edges, now)
    assert after == before
    # As far back as figures of parts of hours are available, a result of the days before may hold.
    cut = [raw_results_since(now, keep.raw_us), raw_results_since(now, keep.raw_us) + 7 * HOUR_US + 12_345]
    assert await history.shown(cut, now) == await history.raw(cut, now)
    assert after == await history.raw(edges, now)


async def test_a_paused_check_holds_no_day_up_and_what_a_reader_locks_goes_another_time(
    monitor: Monitor, admin: Admin, rollups: RollupSql, database_url: str
) -> None:
    now, keep = now_us(), Retention(7 * DAY_US, 400 * DAY_US)
    paused_at = now - 11 * DAY_US
    history = await History(admin, monitor, 20 * MINUTE_US, now - 12 * DAY_US).make()
    await history.fill(paused_at, random.Random(3))  # noqa: S311 — a history, not a secret
    await admin.execute("UPDATE check_periods SET end_time = $1", to_datetime(paused_at))
    rounds = Rollup(rollups, keep)
    await rounds.round(now)

    async with connected(database_url) as reader, reader.transaction():
        await reader.fetch("SELECT count(*) FROM results")
        await rounds.move_days(now)
        assert (await days_of_results(admin))[0] == day_name(history.slots[0].slot_us)
    await rounds.move_days(now)
    assert (await days_of_results(admin))[0] >= day_name(now - 7 * DAY_US)
    edges = [floor(now - 12 * DAY_US, HOUR_US), now]
    assert await history.shown(edges, now) == await history.raw(edges, now)


async def test_hours_go_when_they_are_old_and_days_stay(monitor: Monitor, admin: Admin, rollups: RollupSql) -> None:
    now, keep = now_us(), Retention(7 * DAY_US, 4 * DAY_US)
    history = await a_history(admin, monitor, 20 * MINUTE_US, days=9)
    edges = [floor(now - 8 * DAY_US, DAY_US), floor(now - 2 * DAY_US, HOUR_US), now]
    await Rollup(rollups, keep).round(now)

    oldest = from_datetime(await admin.fetchval("SELECT min(start_time) FROM check_hours"))
    assert oldest == floor(now - 4 * DAY_US, DAY_US)
    assert await admin.fetchval("SELECT count(*) FROM check_days") >= 8
    assert await history.shown(edges, now) == await history.raw(edges, now)
