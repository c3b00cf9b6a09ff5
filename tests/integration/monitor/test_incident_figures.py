"""Incidents in figures: each counts where it began, and with its time where it was resolved, however spans are cut."""

import random
from itertools import pairwise
from uuid import UUID

from services.checks.incident import Resolution
from services.monitor.figures.buckets import WINDOWS, window_start
from services.monitor.figures.figures import SeriesWanted, summed
from services.monitor.figures.incident_sums import IncidentSums
from services.monitor.figures.uptime import total
from services.platform.clock import DAY_US, HOUR_US, now_us, to_datetime
from tests.integration.monitor.conftest import Admin, Monitor, an_incident

Told = tuple[int, int | None, Resolution]
"""Where an incident began and ended, and what ended it."""


async def some_incidents(admin: Admin, monitor: Monitor, service: UUID, now: int, chance: random.Random) -> list[Told]:
    """Incidents of two checks: of each none overlap, some follow at once, some have no length, the last may be open."""
    made: list[Told] = []
    for name in ("home", "basket"):
        check = await monitor.check(service, name)
        at = now - 100 * DAY_US
        while at < now:
            start = at + chance.choice([0, chance.randrange(5 * DAY_US)])
            end = start + chance.choice([0, 1, chance.randrange(HOUR_US), chance.randrange(4 * DAY_US)])
            is_open = end >= now - DAY_US
            resolution = chance.choice(list(Resolution))
            await an_incident(admin, monitor, check, start, None if is_open else end, resolution)
            made.append((start, None if is_open else end, resolution))
            at = now if is_open else end
    return made


def sums_of(incidents: list[Told], start: int, end: int) -> IncidentSums:
    """As the contract's sentences have it."""
    times = [
        last - first
        for first, last, how in incidents
        if last is not None and start <= last < end and how in {Resolution.RECOVERED, Resolution.BY_HAND}
    ]
    return IncidentSums(sum(start <= first < end for first, _, _ in incidents), len(times), sum(times))


async def test_every_span_tells_what_began_and_was_resolved_in_it_and_parts_add_up(
    monitor: Monitor, admin: Admin
) -> None:
    now = now_us()
    for seed in range(5):
        chance = random.Random(seed)  # noqa: S311 — a history, not a secret
        service = await monitor.service(f"Shop {seed}")
        incidents = await some_incidents(admin, monitor, service, now, chance)
        moments = [moment for first, last, _ in incidents for moment in (first, last or now)]
        for _ in range(20):
            edges = sorted({*chance.sample(moments, 4), *(now - chance.randrange(99 * DAY_US) for _ in range(4))})
            recorded = await monitor.store.recorded_of_service(monitor.tenant_id, service, edges)
            assert recorded is not None
            parts = summed(recorded, edges, now)
            expected = [sums_of(incidents, start, end) for start, end in pairwise(edges)]
            assert [each.incidents for each in parts] == expected
            whole = await monitor.store.recorded_of_service(monitor.tenant_id, service, [edges[0], edges[-1]])
            assert whole is not None
            (all_of_it,) = summed(whole, [edges[0], edges[-1]], now)
            assert all_of_it.incidents == total(parts).incidents


async def test_windows_buckets_and_lists_show_them(monitor: Monitor, admin: Admin) -> None:
    now = now_us()
    service = await monitor.service("Shop")
    check, other = await monitor.check(service), await monitor.check(service, "other")
    second = window_start(WINDOWS["24h"], now) + HOUR_US
    await an_incident(admin, monitor, check, now - 40 * DAY_US, now - 40 * DAY_US + 600)
    await an_incident(admin, monitor, check, now - 6 * DAY_US, now - 6 * DAY_US + 200, Resolution.BY_HAND)
    await an_incident(admin, monitor, check, second, second + 100, Resolution.CHECK_PAUSED)
    await an_incident(admin, monitor, other, second)

    status = await monitor.status.of_service(monitor.tenant_id, service)
    shown = {window: figures.incidents for window, figures in status.uptime}
    assert [(each.begun, each.resolved, each.mttr_us) for each in shown.values()] == [
        (2, 0, None),
        (3, 1, 200),
        (3, 1, 200),
        (4, 2, 400),
        (4, 2, 400),
    ]
    series = await monitor.figures.series(monitor.tenant_id, service, SeriesWanted("7d", bucket="1h"))
    assert total(series).incidents == shown["7d"]
    listed = (await monitor.services.get(monitor.tenant_id, service)).latest_day
    assert listed is not None
    assert listed.incidents.begun == 2

    await monitor.checks.delete(monitor.actor, service, other)
    status = await monitor.status.of_service(monitor.tenant_id, service)
    assert [figures.incidents.begun for _, figures in status.uptime] == [1, 2, 2, 3, 3]


async def test_time_between_failures_is_time_up_over_incidents(monitor: Monitor, admin: Admin) -> None:
    now = now_us()
    service = await monitor.service("Shop")
    check = await monitor.check(service, interval_us=HOUR_US, timeout_us=1_000_000)
    await admin.execute("UPDATE check_periods SET start_time = $1", to_datetime(now - 5 * HOUR_US))
    await admin.execute("UPDATE check_rollups SET rolled_time = rolled_time - interval '9 hours'")
    await admin.execute("SELECT make_results_partition($1::date)", to_datetime(now - 3 * HOUR_US).date())
    await admin.execute("SELECT make_results_partition($1::date)", to_datetime(now).date())
    await admin.execute(
        "INSERT INTO results (tenant_id, check_id, slot_time, service_id, interval_us, outcome, worker_id)"
        " VALUES ($1, $2, $3, $4, $5, 1, 'w')",
        monitor.tenant_id, check, to_datetime(now - 3 * HOUR_US), service, HOUR_US,
    )  # fmt: skip
    for hours in (3, 4):
        await an_incident(admin, monitor, check, now - hours * HOUR_US, now - hours * HOUR_US + 1)

    (_, figures), *_ = (await monitor.status.of_service(monitor.tenant_id, service)).uptime
    assert figures.up_us == 2 * HOUR_US
    assert figures.mtbf_us == HOUR_US
