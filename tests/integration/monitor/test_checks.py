"""Checks: changed, paused, resumed, deleted; the periods in which they were enabled; what uptime makes of them."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.grid import shard_of
from services.checks.specs.http import HttpSpec
from services.checks.state import CheckState
from services.checks.tenant_egress import TenantEgress
from services.monitor.checks import Checks
from services.monitor.drafts import CheckDraft, ServiceDraft
from services.monitor.history_removal import HistoryRemoval
from services.monitor.model import Check, ServiceState
from services.platform.clock import HOUR_US, SECOND_US, from_datetime, now_us, to_datetime
from services.platform.egress.policy import EgressPolicy
from services.platform.errors import Aborted, AlreadyExists, InvalidArgument, NotFound
from services.platform.paging import Pager
from services.platform.security.signed_tokens import TokenSigner
from services.worker.store import EngineStore
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.support.patience import PATIENCE_S
from tests.support.rows import insert

PAGER = Pager(TokenSigner(b"an installation's secret", "page"))
Period = tuple[int, int | None, int]


async def periods(admin: Admin, check_id: UUID) -> list[Period]:
    """All periods of a check, in order."""
    rows = await admin.fetch("SELECT * FROM check_periods WHERE check_id = $1 ORDER BY start_time", check_id)
    return [
        (from_datetime(row["start_time"]), row["end_time"] and from_datetime(row["end_time"]), row["interval_us"])
        for row in rows
    ]


def every(seconds: int) -> CheckDraft:
    """A check as `Monitor.check` makes it, with another interval."""
    return CheckDraft(
        name="home",
        spec=HttpSpec(url="http://t.test/"),
        given={"interval_us": seconds * SECOND_US, "timeout_us": SECOND_US},
    )


def always(draft: CheckDraft) -> Callable[[Check], CheckDraft]:
    """A change to this, whatever is there."""
    return lambda _: draft


async def test_periods_follow_pauses_and_intervals_without_a_gap_between(monitor: Monitor, admin: Admin) -> None:
    service_id = await monitor.service()
    check_id = await monitor.check(service_id)
    of = (monitor.actor, service_id, check_id)
    made = (await monitor.checks.get(monitor.tenant_id, service_id, check_id)).check
    assert await periods(admin, check_id) == [(made.create_us, None, 60 * SECOND_US)]

    faster = (await monitor.checks.update(*of, "", lambda _: every(20))).check
    paused = (await monitor.checks.pause(*of)).check
    slower = (await monitor.checks.update(*of, "", lambda _: every(30))).check
    resumed = (await monitor.checks.resume(*of)).check

    assert [paused.pause_us, slower.pause_us, resumed.pause_us] == [paused.update_us, paused.update_us, None]
    assert await periods(admin, check_id) == [
        (made.create_us, faster.update_us, 60 * SECOND_US),
        (faster.update_us, paused.update_us, 20 * SECOND_US),
        (resumed.update_us, None, 30 * SECOND_US),
    ]


async def test_a_change_that_is_not_of_the_interval_leaves_the_period(monitor: Monitor, admin: Admin) -> None:
    service_id = await monitor.service()
    check_id = await monitor.check(service_id)
    before = await periods(admin, check_id)

    await monitor.checks.update(
        monitor.actor, service_id, check_id, "", lambda _: CheckDraft(name="other", spec=HttpSpec(url="http://u.test/"))
    )
    assert await periods(admin, check_id) == before


async def test_a_blocked_address_is_refused_when_what_is_probed_changes_and_only_then(monitor: Monitor) -> None:
    service_id = await monitor.service()
    check_id = await monitor.check(service_id)
    of = (monitor.actor, service_id, check_id)
    inner = CheckDraft(name="home", spec=HttpSpec(url="http://10.0.0.1/"))

    for write in (
        monitor.checks.create(monitor.actor, service_id, replace(inner, name="other"), None),
        monitor.checks.update(*of, "", always(inner)),
        monitor.services.create(monitor.actor, ServiceDraft("inner", "http://10.0.0.1/", "", {}), None),
    ):
        with pytest.raises(InvalidArgument) as caught:
            await write
        assert caught.value.reason == reasons.ERROR_REASON_TARGET_BLOCKED
    monitor.checks = Checks(monitor.store, PAGER, monitor.quotas, TenantEgress(EgressPolicy.parse("10.0.0.0/8")))
    await monitor.checks.update(*of, "", always(inner))
    # The operator takes the allowance away: the check can still be renamed, paused and moved elsewhere.
    monitor.checks = Checks(monitor.store, PAGER, monitor.quotas, TenantEgress(EgressPolicy()))
    assert (await monitor.checks.update(*of, "", always(replace(inner, name="new")))).check.name == "new"
    assert not (await monitor.checks.pause(*of)).check.enabled
    assert (await monitor.checks.update(*of, "", always(every(20)))).check.spec.target == "t.test"


async def test_changes_at_once_leave_whole_periods_and_one_open(monitor: Monitor, admin: Admin) -> None:
    service_id = await monitor.service()
    check_id = await monitor.check(service_id)
    of = (monitor.actor, service_id, check_id)
    await asyncio.gather(
        *(
            change
            for number in range(6)
            for change in (
                monitor.checks.pause(*of),
                monitor.checks.resume(*of),
                monitor.checks.update(*of, "", always(every(10 + number))),
            )
        )
    )
    await monitor.checks.resume(*of)
    found = await periods(admin, check_id)

    assert [end for _, end, _ in found][-1] is None
    for (start, end, _), (following, _, _) in pairwise(found):
        assert end is not None
        assert start < end <= following
    check = (await monitor.checks.get(monitor.tenant_id, service_id, check_id)).check
    assert found[-1][2] == check.settings.interval_us


async def test_pausing_and_resuming_again_changes_nothing(monitor: Monitor, admin: Admin) -> None:
    service_id = await monitor.service()
    check_id = await monitor.check(service_id)
    of = (monitor.actor, service_id, check_id)

    assert [(await monitor.checks.resume(*of)).check.enabled, await audited(admin)] == [True, ["check.create"]]
    paused = await monitor.checks.pause(*of)
    assert await monitor.checks.pause(*of) == paused
    assert paused.known(now_us()) == (CheckState.PAUSED, paused.check.update_us)
    assert await audited(admin) == ["check.create", "check.pause"]


async def audited(admin: Admin) -> list[str]:
    """The actions on checks in the audit log, in order."""
    rows = await admin.fetch("SELECT action FROM audit_log WHERE action LIKE 'check.%' ORDER BY id")
    return [row["action"] for row in rows]


async def test_who_is_not_in_an_open_period_is_not_the_workers(
    monitor: Monitor, admin: Admin, engine: EngineStore
) -> None:
    service_id = await monitor.service()
    check_id = await monitor.check(service_id)
    of = (monitor.actor, service_id, check_id)

    async def held() -> list[UUID]:
        by_id = [check.id for check, _ in await engine.checks_by_key([(monitor.tenant_id, check_id)])]
        by_shard = [check.id async for rows in engine.checks_of_shards([shard_of(check_id)]) for check, _ in rows]
        assert by_shard == by_id
        return by_id

    assert await held() == [check_id]
    await monitor.checks.pause(*of)
    assert await held() == []
    await monitor.checks.resume(*of)
    assert await held() == [check_id]
    await monitor.checks.delete(*of)
    assert await held() == []


async def test_each_change_is_heard_once_it_is_committed_and_audited_before_and_after(
    monitor: Monitor, admin: Admin
) -> None:
    service_id = await monitor.service()
    check_id = await monitor.check(service_id)
    of = (monitor.actor, service_id, check_id)
    heard: asyncio.Queue[str] = asyncio.Queue()
    await admin.add_listener("check_changed", lambda *event: heard.put_nowait(event[3]))
    secret = CheckDraft(
        name="home", spec=HttpSpec(url="http://t.test/", headers=(("x-key", "s3cret"),), body=b"s3cret")
    )

    for change in (
        monitor.checks.update(*of, "", lambda _: secret),
        monitor.checks.pause(*of),
        monitor.checks.resume(*of),
        monitor.checks.delete(*of),
    ):
        await change
        told = await asyncio.wait_for(heard.get(), PATIENCE_S)
        assert told == f"{shard_of(check_id)} {monitor.tenant_id} {check_id}"
    assert heard.empty()
    rows = await admin.fetch("SELECT action, before, after FROM audit_log WHERE resource_id = $1 ORDER BY id", check_id)
    assert [row["action"] for row in rows] == [
        "check.create", "check.update", "check.pause", "check.resume", "check.delete",
    ]  # fmt: skip
    for row, following in pairwise(rows):
        assert row["after"] == following["before"]
    assert [json.loads(row["after"])["enabled"] for row in rows[:-1]] == [True, True, False, True]
    assert rows[-1]["after"] is None
    assert "s3cret" not in str(rows)


async def test_an_update_that_is_refused_changes_nothing(monitor: Monitor, admin: Admin) -> None:
    service_id = await monitor.service()
    check_id, _ = await monitor.check(service_id), await monitor.check(service_id, "other")
    of = (monitor.actor, service_id, check_id)
    before = await monitor.checks.get(monitor.tenant_id, service_id, check_id)

    def named(name: str, url: str = "http://t.test/") -> CheckDraft:
        return CheckDraft(name=name, spec=HttpSpec(url=url))

    with pytest.raises(Aborted) as refused:
        await monitor.checks.update(*of, "0" * 16, lambda _: named("new"))
    assert refused.value.reason == reasons.ERROR_REASON_ETAG_MISMATCH
    with pytest.raises(AlreadyExists):
        await monitor.checks.update(*of, before.check.etag, lambda _: named("other"))
    with pytest.raises(InvalidArgument, match=r"check\.http\.url"):
        await monitor.checks.update(*of, "", lambda _: named("new", "http://t.test:0/"))
    assert await monitor.checks.get(monitor.tenant_id, service_id, check_id) == before
    assert await audited(admin) == ["check.create"] * 2


async def test_wrong_services_and_tenants_do_not_reach_a_check(monitor: Monitor, admin: Admin) -> None:
    service_id, elsewhere = await monitor.service(), await monitor.service("other")
    check_id = await monitor.check(service_id)
    other = await a_monitor(admin, monitor.store)

    def draft(check: Check) -> CheckDraft:
        raise AssertionError(check)

    for actor, place in ((monitor.actor, elsewhere), (other.actor, service_id)):
        for attempt in (
            monitor.checks.update(actor, place, check_id, "", draft),
            monitor.checks.pause(actor, place, check_id),
            monitor.checks.resume(actor, place, check_id),
            monitor.checks.delete(actor, place, check_id),
            monitor.checks.get(actor.tenant_id, place, check_id),
        ):
            with pytest.raises(NotFound):
                await attempt
    assert (await monitor.checks.get(monitor.tenant_id, service_id, check_id)).check.enabled


async def test_a_deleted_checks_name_is_free_and_its_history_goes_in_bounded_steps(
    monitor: Monitor, admin: Admin
) -> None:
    service_id = await monitor.service()
    kept, *deleted = [await monitor.check(service_id, f"c{number}") for number in range(3)]
    day = to_datetime(now_us()).date()
    await admin.execute("SELECT make_results_partition($1)", day)
    for check_id in (kept, *deleted):
        await admin.execute(
            """INSERT INTO results (tenant_id, check_id, slot_time, service_id, interval_us, outcome, worker_id)
               SELECT $1, $2, $3::date::timestamptz + n * interval '1 second', $4, 1000000, 1, 'w'
               FROM generate_series(1, 10) AS n""",
            monitor.tenant_id, check_id, day, service_id,
        )  # fmt: skip
    for check_id in deleted:
        await monitor.checks.delete(monitor.actor, service_id, check_id)
    await monitor.check(service_id, "c1")

    left = []
    while await monitor.store.remove_history(4):
        left.append(await admin.fetchval("SELECT count(*) FROM results"))
    assert left == [26, 22, 18, 14, 10]
    assert await admin.fetchval("SELECT count(*) FROM results WHERE check_id = $1", kept) == 10
    assert await admin.fetchval("SELECT count(*) FROM removed_checks") == 0


async def test_the_background_removes_what_is_left(monitor: Monitor, admin: Admin) -> None:
    service_id = await monitor.service()
    await monitor.checks.delete(monitor.actor, service_id, await monitor.check(service_id))
    removal = asyncio.create_task(HistoryRemoval(monitor.store).run())
    async with asyncio.timeout(PATIENCE_S):
        while await admin.fetchval("SELECT count(*) FROM removed_checks"):
            pass
    removal.cancel()


async def test_history_is_removed_in_one_place_at_a_time(monitor: Monitor, admin: Admin) -> None:
    service_id = await monitor.service()
    await monitor.checks.delete(monitor.actor, service_id, await monitor.check(service_id))

    async with admin.transaction():
        await admin.execute("SELECT remove_history(1)")
        assert not await monitor.store.remove_history(1)
        assert await admin.fetchval("SELECT count(*) FROM removed_checks") == 0
    assert await admin.fetchval("SELECT count(*) FROM removed_checks") == 0


async def test_paused_time_is_outside_up_down_and_coverage(monitor: Monitor, admin: Admin) -> None:
    service_id = await monitor.service()
    check_id = await monitor.check(service_id, interval_us=HOUR_US)
    now = now_us()
    birth, pause, resume = now - 12 * HOUR_US, now - 8 * HOUR_US, now - 2 * HOUR_US
    for day in {to_datetime(moment).date() for moment in (birth, now)}:
        await admin.execute("SELECT make_results_partition($1)", day)
    await admin.execute("UPDATE checks SET create_time = $1", to_datetime(birth))
    await admin.execute(
        "UPDATE check_rollups SET rolled_time = date_trunc('hour', $1::timestamptz)", to_datetime(birth)
    )
    await admin.execute(
        "UPDATE check_periods SET start_time = $1, end_time = $2", to_datetime(birth), to_datetime(pause)
    )
    await insert(
        admin, "check_periods", tenant_id=monitor.tenant_id, check_id=check_id, start_time=to_datetime(resume),
        interval_us=HOUR_US,
    )  # fmt: skip
    for slot, outcome in ((birth, 1), (birth + HOUR_US, 1), (birth + 3 * HOUR_US, 2), (resume, 1), (now - HOUR_US, 1)):
        await admin.execute(
            """INSERT INTO results (tenant_id, check_id, slot_time, service_id, interval_us, outcome, worker_id)
               VALUES ($1, $2, $3, $4, $5, $6, 'w')""",
            monitor.tenant_id, check_id, to_datetime(slot), service_id, HOUR_US, outcome,
        )  # fmt: skip
    status = await monitor.status.of_service(monitor.tenant_id, service_id)
    day_figures = dict(status.uptime)["24h"]

    # Up for 3 h before the pause and all of the 2 h behind it; down for the hour before it, though that result would
    # hold for two.
    assert abs(day_figures.up_us - 5 * HOUR_US) < 60 * SECOND_US
    assert day_figures.down_us == HOUR_US
    assert abs(day_figures.life_us - 6 * HOUR_US) < 60 * SECOND_US
    assert day_figures.coverage == 1
    assert status.state is ServiceState.UNKNOWN

    paused = await monitor.checks.pause(monitor.actor, service_id, check_id)
    status = await monitor.status.of_service(monitor.tenant_id, service_id)
    assert (status.state, status.checks[0].state) == (ServiceState.PAUSED, CheckState.PAUSED)
    assert status.checks[0].state_us == paused.check.pause_us
