"""Figures from closed hours, days and the tail are what all raw results tell, in as many statements as ever."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from services.common.clock import DAY_US, HOUR_US, MINUTE_US, from_datetime, now_us, to_datetime
from services.common.outcome import Outcome
from services.monitor.buckets import WINDOWS, latest_day, series_edges, window_start
from services.monitor.closing import floor
from services.monitor.figures import SeriesWanted
from services.monitor.latency import Latencies
from services.monitor.model import ServiceState
from services.monitor.overview import Overviews
from services.monitor.rollup import Keep, Rollup
from services.monitor.services import ServiceFilter, ServiceOrder
from services.monitor.store.rollups import RollupSql
from services.monitor.uptime import Figures, Slot, total
from tests.integration.monitor.conftest import Admin, Monitor
from tests.integration.monitor.history import History, a_history

KEEP = Keep(30 * DAY_US, 400 * DAY_US)


async def marks(admin: Admin) -> list[int]:
    return [from_datetime(row[0]) for row in await admin.fetch("SELECT rolled_time FROM check_rollups")]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that is sent meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("interval_us", [MINUTE_US, 20 * MINUTE_US, DAY_US])
async def test_status_and_series_are_what_raw_results_tell_whatever_is_rolled_up(
    monitor: Monitor, admin: Admin, rollups: RollupSql, interval_us: int
) -> None:
    history = await a_history(admin, monitor, interval_us, days=4)
    now = now_us()
    await admin.execute(
        "INSERT INTO tenant_suspensions VALUES ($1, $2, $3, 'unpaid')",
        monitor.tenant_id, to_datetime(now - 50 * HOUR_US), to_datetime(now - 47 * HOUR_US),
    )  # fmt: skip
    other = await a_history(admin, monitor, interval_us, days=4)
    # Of a service, of another one, of all, across the ends of hours and days, and one that goes on and one ahead.
    for service_id, begin, end in (
        (history.service_id, now - 60 * HOUR_US - 7, now - 59 * HOUR_US + 13),
        (other.service_id, now - 40 * HOUR_US, now - 38 * HOUR_US),
        (None, now - 3 * DAY_US, now - 2 * DAY_US),
        (history.service_id, now - 30 * MINUTE_US, now + HOUR_US),
        (None, now + DAY_US, now + 2 * DAY_US),
    ):
        await admin.execute(
            "INSERT INTO maintenance_spans (tenant_id, window_id, service_id, start_time, end_time)"
            " VALUES ($1, gen_random_uuid(), $2, $3, $4)",
            monitor.tenant_id, service_id, to_datetime(begin), to_datetime(end),
        )  # fmt: skip
    rounds = Rollup(rollups, KEEP)
    for rolled_at in (now - 3 * DAY_US, now - 2 * DAY_US + 5, now - 7 * HOUR_US, now):
        windows = [*sorted(window_start(length, now) for length in WINDOWS.values()), now]
        series = [
            list(series_edges(window, None, None, bucket, now, KEEP.hourly_us))
            for window, bucket in (("7d", "1h"), ("30d", "1d"), ("365d", "30d"))
        ]
        for edges in (windows, *series):
            found = await monitor.figures.between(monitor.tenant_id, [history.service_id], edges, now, latencies=True)
            assert list(found[history.service_id]) == await history.raw(edges, now)
        await rounds.round(rolled_at)
    assert min(await marks(admin)) > now - (2 * HOUR_US if interval_us < DAY_US else 2 * DAY_US)
    assert await admin.fetchval("SELECT count(*) FROM check_days") >= 2


async def test_what_comes_later_is_counted_and_rolling_up_again_changes_nothing(
    monitor: Monitor, admin: Admin, rollups: RollupSql
) -> None:
    now = now_us()
    history = await History(admin, monitor, MINUTE_US, now - 30 * HOUR_US).make()
    chance = random.Random(2)  # noqa: S311 — a history, not a secret
    await history.fill(now - 9 * HOUR_US, chance)
    rounds = Rollup(rollups, KEEP)
    await rounds.round(now)
    # Nobody looked for four hours, which is written afterwards, into hours that are long over.
    after = history.slots[-1].slot_us + MINUTE_US
    await history.write([Slot(after, MINUTE_US, Outcome.MISSED, 240)])
    await history.fill(now, chance)
    edges = [floor(now - 30 * HOUR_US, HOUR_US), floor(now - 8 * HOUR_US, HOUR_US), now]

    async def found() -> list[Figures]:
        return list(
            (await monitor.figures.between(monitor.tenant_id, [history.service_id], edges, now, latencies=True))[
                history.service_id
            ]
        )

    before = await found()
    await rounds.round(now)
    closed = await admin.fetch("SELECT * FROM check_hours ORDER BY start_time")
    assert before == await found() == await history.raw(edges, now)
    assert sum(each.missed_slots for each in before) >= 240
    await admin.execute("UPDATE check_rollups SET rolled_time = rolled_time - interval '20 hours'")
    assert await found() == before
    await rounds.round(now)
    assert await admin.fetch("SELECT * FROM check_hours ORDER BY start_time") == closed
    assert await found() == before


async def test_as_many_statements_whatever_there_is(monitor: Monitor, admin: Admin, rollups: RollupSql) -> None:
    histories = [await a_history(admin, monitor, 20 * MINUTE_US, days=3, seed=seed) for seed in range(3)]
    await Rollup(rollups, KEEP).round(now_us())
    one, *_ = histories
    await admin.execute("UPDATE checks SET service_id = $1, name = id::text", one.service_id)
    alone = await a_history(admin, monitor, 20 * MINUTE_US, days=1)
    await Rollup(rollups, KEEP).round(now_us())
    seen = {}
    for service_id in (one.service_id, alone.service_id):
        with statements() as sent:
            await monitor.status.of_service(monitor.tenant_id, service_id)
        status = len(sent)
        with statements() as sent:
            await monitor.figures.series(monitor.tenant_id, service_id, SeriesWanted("90d"))
        seen[service_id] = (status, len(sent))
    assert len(set(seen.values())) == 1
    assert max(seen[one.service_id]) <= 16


async def test_no_read_of_figures_walks_over_results(monitor: Monitor, admin: Admin, rollups: RollupSql) -> None:
    history = await a_history(admin, monitor, MINUTE_US, days=3)
    await Rollup(rollups, KEEP).round(now_us() - 2 * HOUR_US)
    # Of a table of one page a walk is the best plan; here only those are left that no index spares.
    await admin.execute("SET enable_seqscan = off")
    plans = await explained(admin, monitor, lambda: monitor.status.of_service(monitor.tenant_id, history.service_id))
    assert any("results" in json.dumps(plan) for plan in plans)
    for plan in plans:
        assert not [
            node for node in nodes(plan) if node["Node Type"] == "Seq Scan" and "results" in node["Relation Name"]
        ]


async def explained(admin: Admin, monitor: Monitor, ask: Any) -> list[Any]:
    """The plans of all statements that a request sends, with its own values."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await ask()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return [
        json.loads(await admin.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters))
        for statement, parameters in sent
        if "results" in statement
    ]


def nodes(plan: Any) -> Iterator[Any]:
    """All nodes of a plan."""
    if isinstance(plan, list):
        for each in plan:
            yield from nodes(each)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        for value in plan.values():
            yield from nodes(value)


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


async def test_one_process_at_a_time_rolls_up(
    monitor: Monitor, admin: Admin, rollups: RollupSql, database_url: str
) -> None:
    await a_history(admin, monitor, 20 * MINUTE_US, days=2)
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(hashtextextended('roll_up', 0))")
        assert not (await rollups.roll_up(None, now_us(), KEEP, 10)).moved
    assert (await rollups.roll_up(None, now_us(), KEEP, 10)).moved
    await other.close()


async def days_of_results(admin: Admin) -> list[str]:
    rows = await admin.fetch(
        "SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'results'::regclass ORDER BY 1"
    )
    return [row[0] for row in rows]


def day_name(moment_us: int) -> str:
    return f"{to_datetime(moment_us):%Y%m%d}"


async def test_old_days_of_results_go_and_no_figure_changes(monitor: Monitor, admin: Admin, rollups: RollupSql) -> None:
    now, keep = now_us(), Keep(7 * DAY_US, 400 * DAY_US)
    history = await a_history(admin, monitor, 20 * MINUTE_US, days=12)
    rounds = Rollup(rollups, keep)
    edges = [floor(now - 11 * DAY_US, DAY_US), floor(now - 3 * DAY_US, DAY_US), now]
    before = await monitor.figures.between(monitor.tenant_id, [history.service_id], edges, now, latencies=True)

    await rounds.move_days(now)
    assert (await days_of_results(admin))[0] == day_name(history.slots[0].slot_us)  # nothing is rolled up yet
    await rounds.round(now)
    await rounds.move_days(now)
    days = await days_of_results(admin)
    assert days[0] == day_name(now - 7 * DAY_US)
    assert days[-1] == day_name(now + 3 * DAY_US)
    after = await monitor.figures.between(monitor.tenant_id, [history.service_id], edges, now, latencies=True)
    assert after == before
    assert list(after[history.service_id]) == await history.raw(edges, now)


async def test_a_paused_check_holds_no_day_up_and_what_a_reader_locks_goes_another_time(
    monitor: Monitor, admin: Admin, rollups: RollupSql, database_url: str
) -> None:
    now, keep = now_us(), Keep(7 * DAY_US, 400 * DAY_US)
    paused_at = now - 11 * DAY_US
    history = await History(admin, monitor, 20 * MINUTE_US, now - 12 * DAY_US).make()
    await history.fill(paused_at, random.Random(3))  # noqa: S311 — a history, not a secret
    await admin.execute("UPDATE check_periods SET end_time = $1", to_datetime(paused_at))
    rounds = Rollup(rollups, keep)
    await rounds.round(now)

    reader = await asyncpg.connect(database_url)
    async with reader.transaction():
        await reader.fetch("SELECT count(*) FROM results")
        await rounds.move_days(now)
        assert (await days_of_results(admin))[0] == day_name(now - 12 * DAY_US)
    await rounds.move_days(now)
    assert (await days_of_results(admin))[0] >= day_name(now - 7 * DAY_US)
    await reader.close()
    edges = [floor(now - 12 * DAY_US, HOUR_US), now]
    found = await monitor.figures.between(monitor.tenant_id, [history.service_id], edges, now, latencies=True)
    assert list(found[history.service_id]) == await history.raw(edges, now)


async def test_hours_go_when_they_are_old_and_days_stay(monitor: Monitor, admin: Admin, rollups: RollupSql) -> None:
    now, keep = now_us(), Keep(7 * DAY_US, 4 * DAY_US)
    history = await a_history(admin, monitor, 20 * MINUTE_US, days=9)
    edges = [floor(now - 8 * DAY_US, DAY_US), floor(now - 2 * DAY_US, HOUR_US), now]
    await Rollup(rollups, keep).round(now)

    oldest = from_datetime(await admin.fetchval("SELECT min(start_time) FROM check_hours"))
    assert oldest == floor(now - 4 * DAY_US, DAY_US)
    assert await admin.fetchval("SELECT count(*) FROM check_days") >= 8
    found = await monitor.figures.between(monitor.tenant_id, [history.service_id], edges, now, latencies=True)
    assert list(found[history.service_id]) == await history.raw(edges, now)


async def test_lists_and_the_overview_show_the_latest_closed_day_in_as_many_statements_as_ever(
    monitor: Monitor, admin: Admin, rollups: RollupSql
) -> None:
    now = now_us()
    histories = [
        await a_history(admin, monitor, interval, days=2, seed=seed)
        for seed, interval in enumerate((MINUTE_US, 20 * MINUTE_US, DAY_US))
    ]
    edges = list(latest_day(now))
    expected = {history.service_id: (await history.raw(edges, now))[0] for history in histories}
    counts = []
    # First nothing is closed, at last all but what is run once a day.
    overview = None
    for _ in range(2):
        for size in (1, 200):
            with statements() as sent:
                page = await monitor.services.list(monitor.tenant_id, ServiceFilter(), ServiceOrder(), size, "")
            counts.append(len(sent))
            for row in page.items:
                assert row.latest_day is not None
                assert sums(row.latest_day) == sums(expected[row.service.id])
        with statements() as sent:
            overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
        assert sums(overview.latest_day) == sums(total(list(expected.values())))
        assert len(sent) <= 10
        await Rollup(rollups, KEEP).round(now)
    assert max(counts) <= 11
    assert overview is not None
    assert overview.services == {ServiceState.UNKNOWN: 3}
    assert overview.slowest
    assert {each.check_name for each in overview.slowest} == {"home"}
    slowest = [each.p95_us for each in overview.slowest]
    assert slowest == sorted(slowest, reverse=True)

    gone = histories[0]
    await monitor.checks.delete(monitor.actor, gone.service_id, gone.check_id)
    overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
    assert sums(overview.latest_day) == sums(
        total([figures for service_id, figures in expected.items() if service_id != gone.service_id])
    )
    assert gone.check_id not in {each.check_id for each in overview.slowest}


def sums(figures: Figures) -> Figures:
    """Figures without their latencies, which lists leave out."""
    return replace(figures, latencies=Latencies())


async def test_the_overview_counts_services_as_lists_show_them_and_knows_who_looks(
    monitor: Monitor, admin: Admin
) -> None:
    up, _, off = [await monitor.service(name) for name in ("up", "unknown", "paused")]
    checks = [await monitor.check(service_id) for service_id in (up, off)]
    await admin.execute("UPDATE check_states SET state = 1, verdict_time = now()")
    await monitor.checks.pause(monitor.actor, off, checks[1])
    await admin.execute("UPDATE shard_leases SET expire_time = now() + interval '10 s' WHERE shard < 7")

    overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
    assert overview.services == {ServiceState.UP: 1, ServiceState.PAUSED: 2}
    assert (overview.workers.live, overview.workers.shards_held, overview.workers.shards) == (0, 7, 256)
    assert overview.latest_day.ratio is None
    assert overview.slowest == []
