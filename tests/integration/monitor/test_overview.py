"""Many services at once: lists and the overview show the latest closed day, what is open, and who looks."""

import random
from dataclasses import replace

import pytest

from services.monitor.figures import overview as overview_room
from services.monitor.figures.buckets import latest_day
from services.monitor.figures.latency import Latencies
from services.monitor.figures.overview import Overviews
from services.monitor.figures.rollup import Rollup
from services.monitor.figures.uptime import total
from services.monitor.model import ServiceState
from services.monitor.services import ServiceFilter, ServiceOrder
from services.monitor.store.rollups import RollupSql
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, now_us
from tests.integration.monitor.conftest import KEEP, Admin, Monitor, an_incident
from tests.integration.monitor.histories import History, a_history


async def test_lists_and_the_overview_show_the_latest_closed_day(
    monitor: Monitor, admin: Admin, rollups: RollupSql
) -> None:
    now = now_us()
    histories = [
        await a_history(admin, monitor, interval, days=2, seed=seed)
        for seed, interval in enumerate((MINUTE_US, 20 * MINUTE_US, DAY_US))
    ]
    edges = list(latest_day(now))
    expected = {history.service_id: (await history.raw(edges, now))[0] for history in histories}
    # First nothing is closed, at last all but what is run once a day.
    for _ in range(2):
        page = await monitor.services.list(monitor.tenant_id, ServiceFilter(), ServiceOrder(), 200, "")
        # Lists leave latencies out, also those that were in reach.
        assert {row.service.id: row.latest_day for row in page.items} == {
            service_id: replace(figures, latencies=Latencies()) for service_id, figures in expected.items()
        }
        overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
        assert overview.latest_day == total(list(expected.values()))
        await Rollup(rollups, KEEP).round(now)
    overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
    assert overview.latest_day == total(list(expected.values()))
    assert overview.latest_day.latencies.percentile(0.5)
    assert overview.services == {ServiceState.UNKNOWN: 3}
    assert {each.check_name for each in overview.slowest} == {"home"}
    slowest = [each.p95_us for each in overview.slowest]
    assert slowest == sorted(slowest, reverse=True)

    gone = histories[0]
    await monitor.checks.delete(monitor.actor, gone.service_id, gone.check_id)
    overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
    assert overview.latest_day == total(
        [figures for service_id, figures in expected.items() if service_id != gone.service_id]
    )
    assert gone.check_id not in {each.check_id for each in overview.slowest}


async def test_what_has_no_closed_hour_yet_is_shown_up_to_now(monitor: Monitor, admin: Admin) -> None:
    now = now_us()
    young = await History(admin, monitor, 10 * SECOND_US, now - 5 * MINUTE_US).make()
    await young.fill(now, random.Random(1))  # noqa: S311 — a history, not a secret
    await an_incident(admin, monitor, young.check_id, now - 2 * MINUTE_US, now - MINUTE_US)
    expected = (await young.raw([now - DAY_US, now], now))[0]
    assert expected.up_slots > expected.down_slots

    (row,) = (await monitor.services.list(monitor.tenant_id, ServiceFilter(), ServiceOrder(), 200, "")).items
    overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
    alone = (await monitor.services.get(monitor.tenant_id, young.service_id)).latest_day
    for shown in (row.latest_day, overview.latest_day, alone):
        assert shown is not None
        assert (shown.up_slots, shown.down_slots) == (expected.up_slots, expected.down_slots)
        assert (shown.ratio is not None, shown.end_us >= now, shown.incidents.begun) == (True, True, 1)
    assert overview.latest_day.latencies.percentile(0.5)

    old = await a_history(admin, monitor, MINUTE_US, days=1)
    by_service = {
        row.service.id: row.latest_day
        for row in (await monitor.services.list(monitor.tenant_id, ServiceFilter(), ServiceOrder(), 200, "")).items
    }
    shown_young, shown_old = by_service[young.service_id], by_service[old.service_id]
    assert shown_young is not None
    assert shown_old is not None
    assert (shown_young.up_slots, shown_old.end_us % HOUR_US) == (expected.up_slots, 0)
    assert (await Overviews(monitor.store).of_tenant(monitor.tenant_id)).latest_day.end_us % HOUR_US == 0


async def test_of_very_many_new_checks_figures_wait_for_the_closed_hour(
    monitor: Monitor, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = now_us()
    for _ in range(2):
        young = await History(admin, monitor, 10 * SECOND_US, now - 5 * MINUTE_US).make()
        await young.fill(now, random.Random(1))  # noqa: S311 — as above
    monkeypatch.setattr(overview_room, "_MOST_IN_FIRST_HOUR", 1)
    assert (await Overviews(monitor.store).of_tenant(monitor.tenant_id)).latest_day.ratio is None
    monkeypatch.setattr(overview_room, "_MOST_IN_FIRST_HOUR", 2)
    assert (await Overviews(monitor.store).of_tenant(monitor.tenant_id)).latest_day.ratio is not None


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


async def test_the_overview_tells_what_is_open_and_counts_incidents_of_the_latest_day(
    monitor: Monitor, admin: Admin
) -> None:
    start, end = latest_day(now_us())
    service = await monitor.service("Shop")
    checks = [await monitor.check(service, f"check {number}") for number in range(7)]
    await admin.execute("UPDATE check_periods SET start_time = start_time - interval '2 days'")
    await admin.execute("UPDATE check_rollups SET rolled_time = rolled_time - interval '2 days'")
    for number, check in enumerate(checks):
        await an_incident(admin, monitor, check, start + number * HOUR_US, error_message=f"cause {number}")
    # Before the day and into it, inside it, out of it, and behind it.
    await an_incident(admin, monitor, checks[0], start - 9 * HOUR_US, start - 1)
    await an_incident(admin, monitor, checks[1], start - 9 * HOUR_US, start)
    await an_incident(admin, monitor, checks[2], start + 1, start + 1 + 3 * SECOND_US)
    await an_incident(admin, monitor, checks[3], end - 1, end)
    await an_incident(admin, monitor, checks[4], end, end + 1)

    overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
    assert overview.open_incidents == 7
    assert [incident.check_id for incident in overview.newest_open] == checks[:1:-1]
    assert overview.newest_open[0].service_name == "Shop"
    assert overview.newest_open[0].cause is not None
    assert overview.newest_open[0].cause.error_message == "cause 6"
    sums = overview.latest_day.incidents
    assert (sums.begun, sums.resolved, sums.resolved_us) == (9, 2, 9 * HOUR_US + 3 * SECOND_US)

    await monitor.checks.delete(monitor.actor, service, checks[6])
    overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
    assert overview.open_incidents == 6
    assert overview.latest_day.incidents.begun == 8
