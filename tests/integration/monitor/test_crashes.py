"""Whoever is killed between any two statements, monitor or PostgreSQL: what is there is right, the rest is done later.

Each test breaks the way to a real database at the first question, the second, and so on until the work gets through;
both before the server has the question and after it has done what was asked. At each place it looks at what is there,
goes on as another process would, and compares with what comes out when nothing breaks.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.monitor.figures.closed_hours import floor
from services.monitor.figures.rollup import Retention, Rollup
from services.monitor.maintenance.maintenance import HORIZON_US
from services.monitor.maintenance.window import WindowDraft
from services.monitor.store import MonitorStore
from services.monitor.store.rollups import RollupSql
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, now_us, to_datetime
from services.platform.errors import Unavailable
from services.platform.postgres.database import Database
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.integration.monitor.histories import History, a_history
from tests.support.database import TestServer, patient_database
from tests.support.patience import PATIENCE_S
from tests.support.severed import Severed

# Hours go while others come, so that each step deletes too.
KEEP = Retention(7 * DAY_US, DAY_US)
FIGURES = ("check_hours", "check_days", "check_rollups")

both_ways = pytest.mark.parametrize("answered", [False, True], ids=["question lost", "answer lost"])


@asynccontextmanager
async def acting(url: str, role: str) -> AsyncIterator[Database]:
    """A process's way to the database, as long as it lives."""
    database = patient_database(url, role, size=1)
    try:
        yield database
    finally:
        await database.close()


async def rows(admin: Admin, *tables: str) -> dict[str, list[Any]]:
    """All rows of tables, in some order that is always the same."""
    return {table: sorted(map(repr, await admin.fetch(f"SELECT * FROM {table}"))) for table in tables}


async def saved(admin: Admin, *tables: str) -> Callable[[], Awaitable[None]]:
    """What brings tables back to what they are now."""
    for table in tables:
        await admin.execute(f"CREATE TABLE saved_{table} AS SELECT * FROM {table}")

    async def restore() -> None:
        for table in tables:
            columns = await admin.fetchval(
                "SELECT string_agg(column_name, ', ') FROM information_schema.columns WHERE table_name = $1", table
            )
            await admin.execute(f"DELETE FROM {table}")
            await admin.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM saved_{table}")

    return restore


async def broken_everywhere(
    admin: Admin,
    way: Callable[[int], Severed],
    role: str,
    work: Callable[[Database], Awaitable[object]],
    between: Callable[[], Awaitable[None]],
) -> int:
    """Do some work, broken at the first question, the second and so on; answers how often it was broken."""
    for at in count(1):
        async with way(at) as severed, acting(severed.url, role) as database:
            try:
                await work(database)
            except Unavailable:
                assert severed.cut()
            else:
                assert not severed.cut()
                return at - 1
        # A server that finds its client gone ends what it was at, and lets go of its locks.
        busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'"
        async with asyncio.timeout(PATIENCE_S):
            while await admin.fetchval(busy, role):
                pass
        await between()
    raise AssertionError("it got through at last")


@pytest.fixture
async def history(admin: Admin, monitor: Monitor) -> History:
    """A check with results of more than a day, up to now."""
    return await a_history(admin, monitor, 20 * MINUTE_US, days=2)


@both_ways
async def test_rolling_up_goes_on_from_any_statement_and_figures_are_right_meanwhile(
    monitor: Monitor, admin: Admin, history: History, database_url: str, short_folder: Path, *, answered: bool
) -> None:
    now = now_us()
    edges = [floor(now - 40 * HOUR_US, DAY_US), floor(now - 20 * HOUR_US, HOUR_US), now]
    expected = await history.raw(edges, now)
    restore = await saved(admin, "check_rollups")

    async def roll(database: Database) -> None:
        await Rollup(RollupSql(database), KEEP).round(now)

    async with acting(database_url, "sentinel_rollup") as undisturbed:
        await roll(undisturbed)
        left = await rows(admin, *FIGURES)
        assert len(left["check_hours"]) > 20
        assert left["check_days"]

        async def go_on() -> None:
            assert await history.shown(edges, now) == expected
            await roll(undisturbed)
            assert await rows(admin, *FIGURES) == left
            await begin()

        async def begin() -> None:
            await admin.execute("TRUNCATE check_hours, check_days")
            await restore()

        await begin()
        places = await broken_everywhere(
            admin,
            lambda at: Severed(database_url, short_folder / "w", at, answered=answered),
            "sentinel_rollup", roll, go_on,
        )  # fmt: skip
    assert places > 30  # three steps that close something, of ten statements and more
    assert await rows(admin, *FIGURES) == left


@both_ways
async def test_days_of_results_are_made_and_dropped_from_any_statement_on(
    admin: Admin, database_url: str, short_folder: Path, *, answered: bool
) -> None:
    now = now_us()
    days = """
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'results'::regclass ORDER BY 1
    """

    async def move(database: Database) -> None:
        await Rollup(RollupSql(database), KEEP).move_days(now)

    async def begin() -> None:
        for (name,) in await admin.fetch(days):
            await admin.execute(f"DROP TABLE {name}")
        for ago in (9, 8, 7):
            await admin.execute("SELECT make_results_partition($1)", to_datetime(now - ago * DAY_US).date())

    async with acting(database_url, "sentinel_rollup") as undisturbed:
        await begin()
        await move(undisturbed)
        expected = await admin.fetch(days)
        assert len(expected) == 5  # one of the old, today and three ahead

        async def go_on() -> None:
            await move(undisturbed)
            assert await admin.fetch(days) == expected
            await begin()

        await begin()
        places = await broken_everywhere(
            admin,
            lambda at: Severed(database_url, short_folder / "w", at, answered=answered),
            "sentinel_rollup", move, go_on,
        )  # fmt: skip
    assert places > 15


@both_ways
async def test_history_is_removed_from_any_statement_on_and_is_known_of_until_all_is_gone(
    monitor: Monitor, admin: Admin, history: History, database_url: str, short_folder: Path, *, answered: bool
) -> None:
    kept = await a_history(admin, monitor, HOUR_US, days=1, seed=2)
    async with acting(database_url, "sentinel_rollup") as database:
        await Rollup(RollupSql(database), KEEP).round(now_us())
    tables = ("results", "check_hours", "check_days", "removed_checks")
    await monitor.checks.delete(monitor.actor, history.service_id, history.check_id)
    restore = await saved(admin, *tables)

    async def remove(database: Database) -> None:
        while await MonitorStore(database).remove_history(60):
            pass

    async def of(check: History) -> list[int]:
        return [
            await admin.fetchval(f"SELECT count(*) FROM {table} WHERE check_id = $1", check.check_id)
            for table in tables
        ]

    of_the_kept = await of(kept)
    assert min(await of(history)) > 0

    async def go_on() -> None:
        *left, known = await of(history)
        assert known or left == [0, 0, 0]
        async with acting(database_url, "sentinel_monitor") as database:
            await remove(database)
        assert await of(history) == [0, 0, 0, 0]
        assert await of(kept) == of_the_kept
        await restore()

    places = await broken_everywhere(
        admin,
        lambda at: Severed(database_url, short_folder / "w", at, answered=answered),
        "sentinel_monitor", remove, go_on,
    )  # fmt: skip
    assert places > 10
    assert await of(history) == [0, 0, 0, 0]


@both_ways
async def test_windows_are_planned_from_any_statement_on(
    monitor: Monitor, admin: Admin, database_url: str, short_folder: Path, *, answered: bool
) -> None:
    now = now_us()
    for rule in ("FREQ=DAILY", "FREQ=WEEKLY"):
        draft = WindowDraft(
            name="w",
            service_id=None,
            start_us=now + HOUR_US,
            duration_us=HOUR_US,
            rrule=rule,
            time_zone="Europe/Berlin",
        )
        await monitor.windows.create(monitor.actor, draft, None)
    tables = ("maintenance_windows", "maintenance_spans")
    restore = await saved(admin, *tables)
    before = await rows(admin, *tables)

    async def plan(database: Database) -> None:
        await Monitor(MonitorStore(database), monitor.actor).windows.plan(now + HORIZON_US // 2)

    async with acting(database_url, "sentinel_monitor") as undisturbed:
        await plan(undisturbed)
        expected = await rows(admin, *tables)
        assert len(expected["maintenance_spans"]) > len(before["maintenance_spans"])
        await restore()

    async def go_on() -> None:
        async with acting(database_url, "sentinel_monitor") as another:
            await plan(another)
        assert await rows(admin, *tables) == expected
        await restore()

    places = await broken_everywhere(
        admin,
        lambda at: Severed(database_url, short_folder / "w", at, answered=answered),
        "sentinel_monitor", plan, go_on,
    )  # fmt: skip
    assert places > 10
    assert await rows(admin, *tables) == expected


async def test_rolling_up_outlasts_crashes_of_postgresql(own_postgres: TestServer, short_folder: Path) -> None:
    url = await own_postgres.clone()
    admin = await asyncpg.connect(url)
    async with acting(url, "sentinel_monitor") as database:
        monitor = await a_monitor(admin, MonitorStore(database))
        now = now_us()
        history = await History(admin, monitor, 20 * MINUTE_US, now - 2 * DAY_US).make()
        await history.fill(now, random.Random(1))  # noqa: S311 — a history, not a secret
        edges = [floor(now - 40 * HOUR_US, DAY_US), floor(now - 20 * HOUR_US, HOUR_US), now]
        expected = await history.raw(edges, now)
    await admin.close()

    async def crash() -> None:
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.to_thread(own_postgres.start)

    crashes = 0
    for at in (9, 14, 17, 23):
        async with (
            Severed(url, short_folder / "w", at, answered=bool(at % 2), broken=crash) as way,
            acting(way.url, "sentinel_rollup") as rolling,
            acting(url, "sentinel_monitor") as database,
        ):
            try:
                await Rollup(RollupSql(rolling), KEEP).round(now)
            except Unavailable:
                crashes += 1
            history.monitor = Monitor(MonitorStore(database), monitor.actor)
            assert await history.shown(edges, now) == expected
    assert crashes == 4
