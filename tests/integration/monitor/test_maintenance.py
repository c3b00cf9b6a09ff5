"""Maintenance windows: states inside them, time outside the figures, planned ahead once, and no way into another's."""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.specs.http import HttpSpec
from services.checks.state import CheckState
from services.monitor.drafts import CheckDraft, ServiceDraft
from services.monitor.figures.overview import Overviews
from services.monitor.maintenance.maintenance import HORIZON_US
from services.monitor.maintenance.window import WindowDraft
from services.monitor.model import ServiceState, TrackedCheck
from services.monitor.quotas import Quotas
from services.monitor.services import ServiceFilter, ServiceOrder
from services.monitor.store import MonitorStore
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, from_datetime, now_us, to_datetime
from services.platform.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from services.platform.ids import new_id
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.integration.monitor.plans import asked, plan_of

NOW = WindowDraft(name="Upgrade", service_id=None, start_us=None, duration_us=HOUR_US)


async def spans(admin: Admin, monitor: Monitor) -> list[tuple[int, int]]:
    """All spans of the tenant, in order."""
    rows = await admin.fetch(
        "SELECT start_time, end_time FROM maintenance_spans WHERE tenant_id = $1 ORDER BY 1", monitor.tenant_id
    )
    return [(from_datetime(row[0]), from_datetime(row[1])) for row in rows]


async def test_inside_a_window_its_service_is_in_maintenance_and_no_other(monitor: Monitor) -> None:
    shop, till = await monitor.service("Shop"), await monitor.service("Till")
    await monitor.service("Idle")
    home, other = await monitor.check(shop), await monitor.check(till)
    window = await monitor.windows.create(monitor.actor, replace(NOW, service_id=shop), None)

    async def states() -> dict[str, ServiceState]:
        page = await monitor.services.list(monitor.tenant_id, ServiceFilter(), ServiceOrder(), 0, "")
        for row in page.items:
            one = ServiceFilter(states=(row.state,))
            found = await monitor.services.list(monitor.tenant_id, one, ServiceOrder(), 0, "")
            assert (row.service.id, row.state) in {(each.service.id, each.state) for each in found.items}
            assert (await monitor.status.of_service(monitor.tenant_id, row.service.id)).state is row.state
        return {row.service.name: row.state for row in page.items}

    assert await states() == {
        "Shop": ServiceState.MAINTENANCE,
        "Till": ServiceState.UNKNOWN,
        "Idle": ServiceState.PAUSED,
    }
    known = (await monitor.checks.get(monitor.tenant_id, shop, home)).known(now_us())
    assert known == (CheckState.MAINTENANCE, window.start_us)
    assert (await monitor.checks.get(monitor.tenant_id, till, other)).known(now_us())[0] is CheckState.UNKNOWN

    await monitor.windows.create(monitor.actor, NOW, None)
    assert (await states())["Till"] is ServiceState.MAINTENANCE
    assert (await states())["Idle"] is ServiceState.PAUSED
    overview = await Overviews(monitor.store).of_tenant(monitor.tenant_id)
    assert overview.services == {ServiceState.MAINTENANCE: 2, ServiceState.PAUSED: 1}


async def test_what_changes_a_check_inside_a_window_returns_the_state_that_reading_it_returns(
    monitor: Monitor,
) -> None:
    shop, till = await monitor.service("Shop"), await monitor.service("Till")
    window = await monitor.windows.create(monitor.actor, replace(NOW, service_id=shop), None)
    draft = CheckDraft(name="home", spec=HttpSpec(url="http://t.test/"))
    maintained = (CheckState.MAINTENANCE, window.start_us)

    async def state(answer: TrackedCheck) -> tuple[CheckState, int | None]:
        """The state in an answer, which GetCheck confirms."""
        now = now_us()
        read = await monitor.checks.get(monitor.tenant_id, answer.check.service_id, answer.check.id)
        assert answer.known(now) == read.known(now)
        return answer.known(now)

    request_id = new_id()
    made = await monitor.checks.create(monitor.actor, shop, draft, request_id)
    assert await state(made) == maintained
    which = (monitor.actor, shop, made.check.id)
    assert await state(await monitor.checks.update(*which, "", lambda _: replace(draft, name="front"))) == maintained
    assert await state(await monitor.checks.update(*which, "", lambda _: replace(draft, name="front"))) == maintained
    paused = await monitor.checks.pause(*which)
    assert await state(paused) == (CheckState.PAUSED, paused.check.pause_us)
    assert await state(await monitor.checks.resume(*which)) == maintained

    # A create that is repeated returns what the first one made.
    assert await state(await monitor.checks.create(monitor.actor, shop, draft, request_id)) == maintained

    outside = await monitor.checks.create(monitor.actor, till, draft, None)
    assert (await state(outside))[0] is CheckState.UNKNOWN
    await monitor.windows.delete(monitor.actor, window.id)
    assert (await state(await monitor.checks.update(*which, "", lambda _: draft)))[0] is CheckState.UNKNOWN


async def test_what_changes_a_service_inside_a_window_returns_the_state_that_reading_it_returns(
    monitor: Monitor,
) -> None:
    await monitor.windows.create(monitor.actor, NOW, None)
    draft, request_id = ServiceDraft("Shop", "http://t.test/", "", {}), new_id()

    made = await monitor.services.create(monitor.actor, draft, request_id)
    again = await monitor.services.create(monitor.actor, draft, request_id)
    changed = await monitor.services.update(monitor.actor, made.service.id, "", lambda _: replace(draft, name="Till"))

    read = await monitor.services.get(monitor.tenant_id, made.service.id)
    assert [each.state for each in (made, again, changed, read)] == [ServiceState.MAINTENANCE] * 4
    assert changed.service == read.service


async def test_its_time_is_outside_the_figures_and_stays_so_when_it_is_deleted(admin: Admin, monitor: Monitor) -> None:
    service = await monitor.service()
    check = await monitor.check(service)
    now = now_us()
    await admin.execute("UPDATE checks SET create_time = $1 WHERE id = $2", to_datetime(now - HOUR_US), check)
    await admin.execute(
        "UPDATE check_periods SET start_time = $1 WHERE check_id = $2", to_datetime(now - HOUR_US), check
    )
    await admin.execute("UPDATE check_rollups SET rolled_time = rolled_time - interval '2 hours'")
    window = await monitor.windows.create(monitor.actor, NOW, None)
    await admin.execute("UPDATE maintenance_spans SET start_time = $1", to_datetime(now - 20 * MINUTE_US))

    async def life_us() -> int:
        (_, figures), *_ = (await monitor.status.of_service(monitor.tenant_id, service)).uptime
        return figures.life_us

    assert abs(await life_us() - 40 * MINUTE_US) < SECOND_US
    await monitor.windows.delete(monitor.actor, window.id)
    (span,) = await spans(admin, monitor)
    assert span[1] <= now_us()
    assert 40 * MINUTE_US <= await life_us() + SECOND_US < 41 * MINUTE_US
    assert (await monitor.services.get(monitor.tenant_id, service)).state is ServiceState.UNKNOWN


async def test_a_recurring_window_is_planned_ahead_and_again_changes_nothing(admin: Admin, monitor: Monitor) -> None:
    start_us = now_us() + HOUR_US
    draft = WindowDraft(
        name="Nightly", service_id=None, start_us=start_us, duration_us=HOUR_US, rrule="FREQ=DAILY", time_zone="UTC"
    )
    window = await monitor.windows.create(monitor.actor, draft, None)
    planned = await spans(admin, monitor)
    assert len(planned) == HORIZON_US // DAY_US
    assert planned == [(start_us + day * DAY_US, start_us + day * DAY_US + HOUR_US) for day in range(len(planned))]

    await monitor.windows.plan(now_us())
    assert await spans(admin, monitor) == planned
    for _ in range(2):
        await monitor.windows.plan(start_us + 60 * DAY_US)
    longer = await spans(admin, monitor)
    assert longer == [(start_us + day * DAY_US, start_us + day * DAY_US + HOUR_US) for day in range(150)]

    await monitor.windows.delete(monitor.actor, window.id)
    assert await spans(admin, monitor) == []
    with pytest.raises(NotFound):
        await monitor.windows.get(monitor.tenant_id, window.id)


async def test_what_nobody_planned_in_time_is_not_planned_into_the_past(admin: Admin, monitor: Monitor) -> None:
    start_us = now_us() + HOUR_US
    draft = WindowDraft(
        name="Nightly", service_id=None, start_us=start_us, duration_us=HOUR_US, rrule="FREQ=DAILY", time_zone="UTC"
    )
    await monitor.windows.create(monitor.actor, draft, None)
    planned = await spans(admin, monitor)
    later = start_us + 100 * DAY_US + 1
    await monitor.windows.plan(later)
    added = (await spans(admin, monitor))[len(planned) :]
    assert added[0][0] == start_us + 101 * DAY_US


async def test_they_are_listed_and_made_once_within_the_quota(admin: Admin, store: MonitorStore) -> None:
    monitor = await a_monitor(admin, store, Quotas(services=9, checks=9, windows=2))
    request_id = new_id()
    first = await monitor.windows.create(monitor.actor, NOW, request_id)
    assert await monitor.windows.create(monitor.actor, NOW, request_id) == first
    second = await monitor.windows.create(monitor.actor, replace(NOW, name="Move"), None)
    with pytest.raises(FailedPrecondition) as full:
        await monitor.windows.create(monitor.actor, NOW, None)
    assert full.value.reason == reasons.ERROR_REASON_QUOTA_EXCEEDED

    page = await monitor.windows.list(monitor.tenant_id, 1, "")
    assert (page.items, page.total) == ([first], 2)
    assert (await monitor.windows.list(monitor.tenant_id, 1, page.next_token)).items == [second]


async def test_a_changed_window_is_planned_anew_from_now_on(admin: Admin, monitor: Monitor) -> None:
    shop, till = await monitor.service("Shop"), await monitor.service("Till")
    await monitor.check(shop)
    draft = WindowDraft(
        name="Nightly", service_id=shop, start_us=None, duration_us=HOUR_US, rrule="FREQ=DAILY", time_zone="UTC"
    )
    window = await monitor.windows.create(monitor.actor, draft, None)
    begun, *_ = await spans(admin, monitor)

    async def change(**values: Any) -> list[tuple[int, int]]:
        """The spans after a change."""
        nonlocal draft
        draft = replace(draft, start_us=window.start_us, **values)
        changed = await monitor.windows.update(monitor.actor, window.id, "", lambda _: draft)
        assert await monitor.windows.get(monitor.tenant_id, window.id) == changed
        return await spans(admin, monitor)

    planned = await spans(admin, monitor)
    assert await change(name="Every night") == planned
    longer = await change(duration_us=2 * HOUR_US)
    # The horizon has moved on by some microseconds, and with it one more is in reach.
    assert longer[: len(planned)] == [(start, start + 2 * HOUR_US) for start, _ in planned]
    assert len(longer) == len(planned) + 1
    weekly = await change(rrule="FREQ=DAILY;INTERVAL=7")
    assert weekly == [span for number, span in enumerate(longer) if number % 7 == 0]
    assert (await monitor.services.get(monitor.tenant_id, shop)).state is ServiceState.MAINTENANCE

    moved = await change(service_id=till)
    assert moved[0][0] == begun[0]
    assert moved[0][1] == moved[1][0] <= now_us()
    assert moved[1][1] == begun[0] + 2 * HOUR_US
    owners = await admin.fetch("SELECT service_id FROM maintenance_spans ORDER BY start_time")
    assert [row[0] for row in owners] == [shop, *[till] * (len(moved) - 1)]
    assert (await monitor.services.get(monitor.tenant_id, shop)).state is ServiceState.UNKNOWN

    # Planning on goes by what it says now.
    await monitor.windows.plan(now_us() + 60 * DAY_US)
    assert {start - begun[0] for start, _ in (await spans(admin, monitor))[2:]} == {
        week * 7 * DAY_US for week in range(1, 1 + 150 // 7)
    }
    updates = "SELECT count(*) FROM audit_log WHERE action = 'maintenance_window.update' AND before <> after"
    assert await admin.fetchval(updates) == 4


async def test_a_change_that_is_refused_changes_nothing(admin: Admin, store: MonitorStore, monitor: Monitor) -> None:
    other = await a_monitor(admin, store)
    its_service = await other.service()
    its_window = await other.windows.create(other.actor, NOW, None)
    window = await monitor.windows.create(monitor.actor, NOW, None)
    before = await spans(admin, monitor)

    async def update(window_id: UUID, etag: str = "", **values: Any) -> None:
        draft = replace(NOW, start_us=window.start_us, **values)
        await monitor.windows.update(monitor.actor, window_id, etag, lambda _: draft)

    with pytest.raises(NotFound) as absent:
        await update(its_window.id, name="Move")
    assert absent.value.reason == reasons.ERROR_REASON_MAINTENANCE_WINDOW_NOT_FOUND
    with pytest.raises(NotFound) as absent:
        await update(window.id, service_id=its_service)
    assert absent.value.reason == reasons.ERROR_REASON_SERVICE_NOT_FOUND
    with pytest.raises(Aborted):
        await update(window.id, "another", name="Move")
    for field, values in (
        ("window.rrule", {"rrule": "FREQ=HOURLY"}),
        ("window.time_zone", {"time_zone": "Mars/Olympus"}),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await update(window.id, **values)
        assert [violation.field for violation in refused.value.violations] == [field]
    assert await monitor.windows.get(monitor.tenant_id, window.id) == window
    assert await other.windows.get(other.tenant_id, its_window.id) == its_window
    assert await spans(admin, monitor) == before


async def test_bad_windows_are_refused_and_others_are_not_found(
    admin: Admin, store: MonitorStore, monitor: Monitor
) -> None:
    other = await a_monitor(admin, store)
    its_service = await other.service()
    its_window = await other.windows.create(other.actor, NOW, None)

    for field, draft in (
        ("window.start_time", replace(NOW, start_us=now_us() - HOUR_US)),
        ("window.rrule", replace(NOW, rrule="FREQ=HOURLY")),
        ("window.time_zone", replace(NOW, time_zone="Mars/Olympus")),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await monitor.windows.create(monitor.actor, draft, None)
        assert [violation.field for violation in refused.value.violations] == [field]
    with pytest.raises(NotFound) as absent:
        await monitor.windows.create(monitor.actor, replace(NOW, service_id=its_service), None)
    assert absent.value.reason == reasons.ERROR_REASON_SERVICE_NOT_FOUND
    for call in (
        monitor.windows.get(monitor.tenant_id, its_window.id),
        monitor.windows.delete(monitor.actor, its_window.id),
    ):
        with pytest.raises(NotFound) as absent:
            await call
        assert absent.value.reason == reasons.ERROR_REASON_MAINTENANCE_WINDOW_NOT_FOUND
    assert await other.windows.get(other.tenant_id, its_window.id) == its_window
    assert await spans(admin, monitor) == []


async def test_what_lies_ahead_costs_the_states_nothing(admin: Admin, monitor: Monitor) -> None:
    service = await monitor.service()
    await monitor.check(service)
    await monitor.windows.create(monitor.actor, NOW, None)
    await admin.execute(
        """INSERT INTO maintenance_spans (tenant_id, window_id, start_time, end_time)
           SELECT $1, gen_random_uuid(), now() + make_interval(hours => n), now() + make_interval(hours => n + 1)
           FROM generate_series(1, 20000) AS n""",
        monitor.tenant_id,
    )
    await admin.execute("ANALYZE maintenance_spans")

    with asked() as statements:
        await monitor.services.list(monitor.tenant_id, ServiceFilter(), ServiceOrder(), 0, "")
        await monitor.status.of_service(monitor.tenant_id, service)
    of_spans = [each for each in statements if "FROM maintenance_spans" in each[0]]
    assert len(of_spans) == 4  # the states of the list, its figures in the first hour, and both for the status
    for statement in of_spans:
        plan = await plan_of(admin, monitor.tenant_id, statement)
        assert "Seq Scan on maintenance_spans" not in plan, plan
        scans = re.findall(r"Scan.* maintenance_spans.*rows=(\d+)", plan)
        assert scans, plan
        assert all(int(rows) <= 1 for rows in scans), plan
        assert not re.search(r"Rows Removed by Filter: \d{3}", plan), plan
