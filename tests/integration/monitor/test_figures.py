"""Figures from closed hours, days and the tail equal those of all raw results."""

import random

import pytest

from services.checks.outcome import Outcome
from services.monitor.figures.buckets import WINDOWS, series_edges, window_start
from services.monitor.figures.closed_hours import floor
from services.monitor.figures.rollup import Rollup
from services.monitor.figures.uptime import Slot
from services.monitor.store.rollups import RollupSql
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, now_us, to_datetime
from tests.integration.monitor.conftest import KEEP, Admin, Monitor
from tests.integration.monitor.histories import History, a_history, marks
from tests.support.rows import insert


@pytest.mark.parametrize("interval_us", [MINUTE_US, 20 * MINUTE_US, DAY_US])
async def test_status_and_series_are_what_raw_results_tell_whatever_is_rolled_up(
    monitor: Monitor, admin: Admin, rollups: RollupSql, interval_us: int
) -> None:
    history = await a_history(admin, monitor, interval_us, days=4)
    now = now_us()
    await insert(
        admin, "tenant_suspensions", tenant_id=monitor.tenant_id, start_time=to_datetime(now - 50 * HOUR_US),
        end_time=to_datetime(now - 47 * HOUR_US), reason="unpaid",
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
            list(series_edges(window, None, None, bucket, now, KEEP))
            for window, bucket in (("7d", "1h"), ("30d", "1d"), ("365d", "30d"))
        ]
        # Anywhere, with buckets of a day and of an hour.
        series += [
            list(series_edges("", now - first, now - last, bucket, now, KEEP))
            for first, last, bucket in ((3 * DAY_US + 12_345, 7, "1d"), (50 * HOUR_US + 1, 30 * MINUTE_US, "1h"))
        ]
        for edges in (windows, *series):
            assert await history.shown(edges, now) == await history.raw(edges, now)
        await rounds.round(rolled_at)
    # The watermark is the beginning of the hour of the last account, which is up to two intervals ago.
    assert min(await marks(admin)) > now - (2 * HOUR_US if interval_us < DAY_US else 2 * DAY_US + HOUR_US)
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
    await history.write([Slot(slot_us=after, interval_us=MINUTE_US, outcome=Outcome.MISSED, slot_count=240)])
    await history.fill(now, chance)
    edges = [floor(now - 30 * HOUR_US, HOUR_US), floor(now - 8 * HOUR_US, HOUR_US), now]

    before = await history.shown(edges, now)
    await rounds.round(now)
    closed = await admin.fetch("SELECT * FROM check_hours ORDER BY start_time")
    assert before == await history.shown(edges, now) == await history.raw(edges, now)
    assert sum(each.missed_slots for each in before) >= 240
    await admin.execute("UPDATE check_rollups SET rolled_time = rolled_time - interval '20 hours'")
    assert await history.shown(edges, now) == before
    await rounds.round(now)
    assert await admin.fetch("SELECT * FROM check_hours ORDER BY start_time") == closed
    assert await history.shown(edges, now) == before
