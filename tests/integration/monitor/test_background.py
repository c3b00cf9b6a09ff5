"""An item for which background work fails is quarantined and counted; other work and the process continue."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.monitor.figures.closed_hours import floor
from services.monitor.figures.rollup import Retention, Rollup, RollupStepFailed
from services.monitor.history_removal import HistoryRemoval
from services.monitor.maintenance.maintenance import HORIZON_US
from services.monitor.maintenance.window import WindowDraft
from services.monitor.on_demand_removal import OnDemandRemoval
from services.monitor.quarantine import BackgroundCollector, Quarantine
from services.monitor.store.rollups import RollupSql
from services.platform.clock import DAY_US, HOUR_US, from_datetime, now_us, to_datetime
from services.platform.errors import Unavailable
from services.platform.ids import new_id
from tests.integration.monitor.conftest import Admin, Monitor
from tests.integration.monitor.histories import a_history
from tests.support.patience import PATIENCE_S
from tests.support.scraped import collected, value

KEEP = Retention(30 * DAY_US, 400 * DAY_US)


async def refuse(admin: Admin, event: str, table: str, column: str, subject: UUID | None = None) -> None:
    """From now on the database refuses this to a row, or to all."""
    row = "OLD" if event == "DELETE" else "NEW"
    which = "" if subject is None else f"WHEN ({row}.{column} = '{subject}')"
    await admin.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$"
    )
    await admin.execute(f"CREATE TRIGGER t BEFORE {event} ON {table} FOR EACH ROW {which} EXECUTE FUNCTION refuse()")


async def allow(admin: Admin) -> None:
    """From now on it does not."""
    await admin.execute("DROP FUNCTION refuse CASCADE")


async def until(holds: Any) -> None:
    """Wait for a condition that is asked of the database, or of us."""
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():
            pass


async def test_a_check_that_cannot_be_rolled_up_holds_up_no_other(
    monitor: Monitor, admin: Admin, rollups: RollupSql
) -> None:
    histories = [await a_history(admin, monitor, HOUR_US, days=1, seed=seed) for seed in range(5)]
    stuck = sorted(histories, key=lambda each: each.check_id)[2]
    await refuse(admin, "INSERT", "check_hours", "check_id", stuck.check_id)
    before = await admin.fetchval("SELECT rolled_time FROM check_rollups WHERE check_id = $1", stuck.check_id)
    rounds, now = Rollup(rollups, KEEP), now_us()

    await rounds.round(now)
    await rounds.round(now)  # it is not even tried
    marks = await admin.fetch("SELECT check_id, rolled_time FROM check_rollups")
    assert [check for check, mark in marks if mark == before] == [stuck.check_id]
    assert (rounds.quarantine.failures, rounds.quarantine.ids(now)) == (1, [stuck.check_id])
    hours = "SELECT count(*) FROM check_hours WHERE check_id = $1"
    assert await admin.fetchval(hours, stuck.check_id) == 0

    await allow(admin)
    await rounds.round(now + HOUR_US + 1)
    assert rounds.quarantine.ids(now + HOUR_US + 1) == []
    assert await admin.fetchval(hours, stuck.check_id) > 20
    edges = [floor(now - DAY_US, HOUR_US), now]
    for each in histories:
        assert await each.shown(edges, now) == await each.raw(edges, now)


async def test_where_nothing_can_be_rolled_up_a_round_gives_up_and_what_else_there_is_to_do_is_done(
    monitor: Monitor, admin: Admin, rollups: RollupSql
) -> None:
    for seed in range(24):
        await a_history(admin, monitor, DAY_US, days=3, seed=seed)
    await refuse(admin, "UPDATE", "check_rollups", "check_id")
    rounds = Rollup(rollups, KEEP)
    with pytest.raises(RollupStepFailed):
        await rounds.round(now_us())
    assert rounds.quarantine.failures == 20

    ahead = f"results_{to_datetime(now_us() + 3 * DAY_US):%Y%m%d}"
    running = asyncio.create_task(rounds.run())

    async def made() -> bool:
        return await admin.fetchval("SELECT to_regclass($1)", ahead) is not None

    await until(made)
    assert not running.done()
    running.cancel()


async def test_history_that_cannot_be_removed_holds_up_no_other(monitor: Monitor, admin: Admin) -> None:
    histories = [await a_history(admin, monitor, HOUR_US, days=1, seed=seed) for seed in range(3)]
    stays = histories[0]
    for each in histories:
        await monitor.checks.delete(monitor.actor, each.service_id, each.check_id)
    await refuse(admin, "DELETE", "results", "check_id", stays.check_id)
    removal = HistoryRemoval(monitor.store)
    running = asyncio.create_task(removal.run())

    async def others_are_gone() -> bool:
        return int(await admin.fetchval("SELECT count(*) FROM removed_checks")) == 1

    await until(others_are_gone)
    assert await admin.fetch("SELECT DISTINCT check_id FROM results") == [(stays.check_id,)]
    assert await admin.fetchval("SELECT check_id FROM removed_checks") == stays.check_id
    assert not running.done()
    assert (removal.quarantine.failures, len(removal.quarantine)) == (1, 1)
    running.cancel()

    await allow(admin)
    while await monitor.store.remove_history(1_000):
        pass
    assert await admin.fetchval("SELECT count(*) FROM results") == 0


async def test_a_window_that_cannot_be_planned_holds_up_no_other(monitor: Monitor, admin: Admin) -> None:
    now = now_us()
    draft = WindowDraft(
        name="w", service_id=None, start_us=now + HOUR_US, duration_us=HOUR_US, rrule="FREQ=DAILY", time_zone="UTC"
    )
    stuck, other = [(await monitor.windows.create(monitor.actor, draft, None)).id for _ in range(2)]
    await refuse(admin, "INSERT", "maintenance_spans", "window_id", stuck)
    later = now + HORIZON_US // 2

    await monitor.windows.plan(later)
    planned = dict(await admin.fetch("SELECT id, planned_time FROM maintenance_windows"))
    assert from_datetime(planned[other]) == later + HORIZON_US
    assert from_datetime(planned[stuck]) < later + HORIZON_US
    assert monitor.windows.quarantine.ids(later) == [stuck]


async def test_old_results_of_runs_on_demand_go_in_bounded_steps_and_no_others(
    monitor: Monitor, admin: Admin, rollups: RollupSql
) -> None:
    history = await a_history(admin, monitor, HOUR_US, days=1)
    now = now_us()
    await admin.execute(
        "INSERT INTO on_demand_results (tenant_id, check_id, slot_time, service_id, interval_us, outcome, worker_id,"
        " recorded_xid) SELECT $1, $2, $3::timestamptz - make_interval(hours => n), $4, 1, 1, 'w', 1"
        " FROM generate_series(1, 60) n",
        monitor.tenant_id, history.check_id, to_datetime(now), history.service_id,
    )  # fmt: skip
    left = "SELECT count(*) FROM on_demand_results"
    before = now - 2 * DAY_US + 1

    assert await rollups.drop_on_demand(before, 5)
    assert await admin.fetchval(left) == 55
    assert await admin.fetchval("SELECT min(slot_time) FROM on_demand_results") == to_datetime(now - 55 * HOUR_US)
    assert not await rollups.drop_on_demand(before, 50)
    assert await admin.fetchval(left) == 47

    running = asyncio.create_task(OnDemandRemoval(rollups, DAY_US).run())

    async def dropped() -> bool:
        return int(await admin.fetchval(left)) < 47

    await until(dropped)
    assert await admin.fetchval(left) == 23
    assert not running.done()
    running.cancel()
    assert await admin.fetchval("SELECT count(*) FROM results") > 0


def test_failures_are_counted_and_what_is_set_aside_comes_back_after_an_hour() -> None:
    aside = Quarantine("rollup")
    one, other = new_id(), new_id()

    def fail(error: BaseException) -> None:
        raise error

    for outlived in (RuntimeError(), Unavailable()):
        with aside.tolerate_failures():
            fail(outlived)
    with pytest.raises(asyncio.CancelledError), aside.tolerate_failures():
        fail(asyncio.CancelledError())
    aside.add(one, 0)
    aside.add(other, 7)

    shown = collected(BackgroundCollector(aside))
    assert value(shown, "sentinel_background_failures_total", work="rollup") == 3
    assert value(shown, "sentinel_background_set_aside", work="rollup") == 2
    assert aside.ids(HOUR_US) == [other]
    assert aside.ids(HOUR_US + 7) == []
