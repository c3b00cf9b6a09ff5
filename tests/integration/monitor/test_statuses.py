"""A status equals the figures of raw results: once or repeated, alone or concurrent, with hours closed meanwhile."""

import asyncio

from services.monitor.figures.buckets import WINDOWS, window_start
from services.monitor.figures.figures import summed
from services.monitor.figures.rollup import Rollup
from services.monitor.store.rollups import RollupSql
from services.platform.clock import HOUR_US, MINUTE_US, now_us
from tests.integration.monitor.conftest import KEEP, Admin, Monitor
from tests.integration.monitor.histories import a_history


async def test_what_is_remembered_of_closed_hours_is_what_is_there(
    monitor: Monitor, admin: Admin, rollups: RollupSql
) -> None:
    histories = [await a_history(admin, monitor, 20 * MINUTE_US, days=3, seed=seed) for seed in range(3)]
    now = now_us()
    edges = [*sorted(window_start(length, now) for length in WINDOWS.values()), now]
    expected = {each.service_id: await each.raw(edges, now) for each in histories}
    rounds = Rollup(rollups, KEEP)
    for rolled_at in (now - 30 * HOUR_US, now - 5 * HOUR_US, now):
        for _ in range(2):
            found = await monitor.store.recorded_statuses(monitor.tenant_id, list(expected), edges)
            assert {each: list(summed(found[each].recorded, edges, now)) for each in found} == expected
        await rounds.round(rolled_at)
    # It is read once: what the rows say now is not asked.
    await monitor.store.recorded_statuses(monitor.tenant_id, list(expected), edges)
    await admin.execute("UPDATE check_hours SET up_us = 0, life_us = 0")
    found = await monitor.store.recorded_statuses(monitor.tenant_id, list(expected), edges)
    assert {each: list(summed(found[each].recorded, edges, now)) for each in found} == expected


async def test_statuses_asked_at_once_are_each_services_own(monitor: Monitor, admin: Admin) -> None:
    histories = [await a_history(admin, monitor, 20 * MINUTE_US, days=1, seed=seed) for seed in range(4)]
    empty = await monitor.service("empty")
    ids = [*(each.service_id for each in histories), empty]
    statuses = await asyncio.gather(*(monitor.status.of_service(monitor.tenant_id, each) for each in ids * 2))

    assert [each.service_id for each in statuses] == ids * 2
    assert [[check.check.id for check in each.checks] for each in statuses[:5]] == [
        *([each.check_id] for each in histories),
        [],
    ]
    slots = [dict(each.uptime)["7d"].up_slots for each in statuses[:5]]
    assert slots[:4] == [sum(slot.outcome == 1 for slot in each.slots) for each in histories]
    assert slots[4] == 0
