"""Services: listed as the filter says, changed by who read them last, deleted at once."""

import asyncio
from collections import Counter
from itertools import product
from uuid import UUID

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.grid import shard_of
from services.checks.outcome import Outcome
from services.checks.result import Result
from services.checks.specs.http import HttpSpec
from services.checks.state import CheckState
from services.monitor.drafts import CheckDraft, ServiceDraft
from services.monitor.maintenance.window import WindowDraft
from services.monitor.model import ServiceState
from services.monitor.quotas import Quotas
from services.monitor.service_state import count_checks, service_state
from services.monitor.services import ServiceFilter, ServiceOrder
from services.monitor.store import MonitorStore
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, now_us, to_datetime
from services.platform.errors import Aborted, AlreadyExists, FailedPrecondition, NotFound, SentinelError
from services.platform.ids import new_id
from services.platform.paging import KeyRequest
from services.worker.record import Pending
from services.worker.store import EngineStore
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.support.patience import PATIENCE_S
from tests.support.worker import a_scheduled_check

EVERY = ServiceFilter()
BY_TIME, BY_NAME = ServiceOrder(), ServiceOrder(by_name=True)


async def names(
    monitor: Monitor, wanted: ServiceFilter = EVERY, order: ServiceOrder = BY_TIME, size: int = 0
) -> list[str]:
    """The names of all services that are listed, over all pages."""
    token, found = "", []
    while True:
        page = await monitor.services.list(monitor.tenant_id, wanted, order, size, token)
        found += [row.service.name for row in page.items]
        token = page.next_token
        if not token:
            assert page.total == len(found)
            return found


async def test_they_are_found_by_label_and_text(monitor: Monitor) -> None:
    await monitor.service("Shop", labels={"team": "web", "tier": "1"})
    await monitor.service("Till", labels={"team": "web"}, url="https://till.example/")
    await monitor.service("Mail", labels={"team": "100%"}, description="sends 100% of_it")

    for wanted, expected in (
        (ServiceFilter(labels=(("team", None),)), ["Shop", "Till", "Mail"]),
        (ServiceFilter(labels=(("team", "web"),)), ["Shop", "Till"]),
        (ServiceFilter(labels=(("team", "web"), ("tier", None))), ["Shop"]),
        (ServiceFilter(labels=(("team", "web"), ("team", "100%"))), []),
        (ServiceFilter(labels=(("team", ""),)), []),
        (ServiceFilter(text="sHoP"), ["Shop"]),
        (ServiceFilter(text="TILL.example"), ["Till"]),
        (ServiceFilter(text="100%"), ["Mail"]),
        (ServiceFilter(text="s_"), []),
        (ServiceFilter(text="f_"), ["Mail"]),
        (ServiceFilter(labels=(("team", "web"),), text="l"), ["Till"]),
    ):
        assert await names(monitor, wanted) == expected, wanted


@pytest.mark.parametrize("size", [1, 2, 50])
async def test_pages_follow_the_order_each_service_once(monitor: Monitor, size: int) -> None:
    made = ["b", "ä" * 100, "a", "é", "Z"]
    for name in made:
        await monitor.service(name)
    ordered = await names(monitor, EVERY, BY_NAME)

    assert sorted(ordered) == sorted(made)
    assert await names(monitor, EVERY, BY_TIME, size) == made
    assert await names(monitor, EVERY, ServiceOrder(descending=True), size) == made[::-1]
    assert await names(monitor, EVERY, BY_NAME, size) == ordered
    assert await names(monitor, EVERY, ServiceOrder(by_name=True, descending=True), size) == ordered[::-1]


async def test_a_page_goes_on_where_it_was_when_its_last_service_is_gone(monitor: Monitor) -> None:
    for name in ("a", "b", "c"):
        await monitor.service(name)
    for order in (BY_TIME, BY_NAME):
        page = await monitor.services.list(monitor.tenant_id, EVERY, order, 1, "")
        await monitor.services.delete(monitor.actor, page.items[0].service.id)
        rest = await monitor.services.list(monitor.tenant_id, EVERY, order, 50, page.next_token)
        assert [row.service.name for row in rest.items] == ["b", "c"][-len(rest.items) :]
        assert rest.total == len(rest.items)


async def test_a_page_token_belongs_to_its_filter_and_order(monitor: Monitor) -> None:
    for name in ("a1", "a2"):
        await monitor.service(name)
    token = (await monitor.services.list(monitor.tenant_id, ServiceFilter(text="a"), BY_TIME, 1, "")).next_token

    for wanted, order in (
        (EVERY, BY_TIME),
        (ServiceFilter(text="a"), BY_NAME),
        (ServiceFilter(text="a"), ServiceOrder(descending=True)),
        (ServiceFilter(text="a", states=(ServiceState.PAUSED,)), BY_TIME),
        (ServiceFilter(text="a", labels=(("a", None),)), BY_TIME),
    ):
        with pytest.raises(SentinelError) as refused:
            await monitor.services.list(monitor.tenant_id, wanted, order, 1, token)
        assert refused.value.reason == reasons.ERROR_REASON_PAGE_TOKEN_INVALID


async def test_a_filter_by_state_finds_what_the_rule_says_in_what_is_shown(monitor: Monitor, admin: Admin) -> None:
    """Up to two checks of every kind on a service: enabled or not; UP, DOWN or UNKNOWN; fresh, stale or never seen."""
    now = now_us()
    interval = 3_600 * SECOND_US  # nothing becomes stale while the test runs, however slowly
    kinds = list(product((True, False), (CheckState.UP, CheckState.DOWN, CheckState.UNKNOWN), (0, 9_000, None)))
    expected: dict[str, ServiceState] = {}
    for number, pair in enumerate([(), *((kind,) for kind in kinds), *product(kinds[:9], kinds[:10])]):
        service_id = await monitor.service(f"s{number}")
        if number % 4 == 0:
            window = WindowDraft(name="Upgrade", service_id=service_id, start_us=None, duration_us=DAY_US)
            await monitor.windows.create(monitor.actor, window, None)
        states = []
        for place, (enabled, known, age_s) in enumerate(pair):
            check_id = await monitor.check(service_id, f"c{place}", interval_us=interval)
            if not enabled:
                await monitor.checks.pause(monitor.actor, service_id, check_id)
            seen = None if age_s is None else now - age_s * SECOND_US
            await admin.execute(
                "UPDATE check_states SET state = $2, verdict_time = $3 WHERE check_id = $1",
                check_id, int(known), None if seen is None else to_datetime(seen),
            )  # fmt: skip
            states.append((await monitor.checks.get(monitor.tenant_id, service_id, check_id)).known(now)[0])
        expected[f"s{number}"] = service_state(count_checks(states))
    assert set(expected.values()) == set(ServiceState)

    for state in ServiceState:
        page, _ = await monitor.store.list_services(
            monitor.tenant_id, ServiceFilter(states=(state,)), BY_TIME, KeyRequest(200, None), now
        )
        assert {row.service.name for row in page} == {name for name, each in expected.items() if each is state}
        assert {row.state for row in page} == {state}
    both = ServiceFilter(states=(ServiceState.UP, ServiceState.PAUSED))
    assert len(await names(monitor, both, size=3)) == sum(
        count for state, count in Counter(expected.values()).items() if state in both.states
    )


async def test_another_tenant_sees_and_touches_nothing(monitor: Monitor, admin: Admin, store: MonitorStore) -> None:
    service_id = await monitor.service()
    other = await a_monitor(admin, store)

    assert await names(other) == []
    for attempt in (
        other.services.get(other.tenant_id, service_id),
        other.services.delete(other.actor, service_id),
        other.services.update(other.actor, service_id, "", lambda _: ServiceDraft("x", "", "", {})),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await names(monitor) == ["Shop"]


async def test_a_change_needs_the_newest_etag_and_a_change_of_nothing_changes_nothing(monitor: Monitor) -> None:
    service_id = await monitor.service()
    first = (await monitor.services.get(monitor.tenant_id, service_id)).service

    async def rename(name: str, etag: str) -> str:
        draft = ServiceDraft(name, "", "", {})
        return (await monitor.services.update(monitor.actor, service_id, etag, lambda _: draft)).service.etag

    assert await rename("Shop", first.etag) == first.etag
    second = await rename("Till", first.etag)
    assert second != first.etag
    with pytest.raises(Aborted) as refused:
        await rename("Mail", first.etag)
    assert refused.value.reason == reasons.ERROR_REASON_ETAG_MISMATCH
    assert await rename("Mail", second) != second


async def test_of_changes_that_read_the_same_etag_one_counts(monitor: Monitor) -> None:
    service_id = await monitor.service()
    etag = (await monitor.services.get(monitor.tenant_id, service_id)).service.etag

    async def rename(name: str) -> bool:
        try:
            await monitor.services.update(monitor.actor, service_id, etag, lambda _: ServiceDraft(name, "", "", {}))
        except Aborted:
            return False
        return True

    assert sorted(await asyncio.gather(*(rename(f"n{number}") for number in range(6)))) == [False] * 5 + [True]


async def test_a_taken_name_is_refused_and_a_deleted_ones_is_free(monitor: Monitor) -> None:
    shop, till = await monitor.service("Shop"), await monitor.service("Till")

    with pytest.raises(AlreadyExists):
        await monitor.services.update(monitor.actor, till, "", lambda _: ServiceDraft("Shop", "", "", {}))
    await monitor.services.delete(monitor.actor, shop)
    await monitor.services.update(monitor.actor, till, "", lambda _: ServiceDraft("Shop", "", "", {}))
    await monitor.service("Till")


async def test_a_deleted_service_is_gone_with_its_checks_and_each_worker_hears(monitor: Monitor, admin: Admin) -> None:
    service_id = await monitor.service()
    checks = [await monitor.check(service_id, f"c{number}") for number in range(3)]
    heard: asyncio.Queue[str] = asyncio.Queue()
    await admin.add_listener("check_changed", lambda *event: heard.put_nowait(event[3]))

    await monitor.services.delete(monitor.actor, service_id)
    told = {(await asyncio.wait_for(heard.get(), PATIENCE_S)).split(" ")[2] for _ in checks}
    assert told == {str(check_id) for check_id in checks}
    for table in ("services", "checks", "check_states", "check_periods"):
        assert await admin.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await admin.fetchval("SELECT count(*) FROM removed_checks") == 3
    with pytest.raises(NotFound):
        await monitor.checks.get(monitor.tenant_id, service_id, checks[0])
    entry = await admin.fetchrow("SELECT before, after FROM audit_log WHERE action = 'service.delete'")
    assert '"checks": 3' in entry["before"]
    assert entry["after"] is None


@pytest.mark.parametrize("again", range(3))
async def test_deleting_a_service_and_its_checks_at_once_ends_without_a_ring(monitor: Monitor, again: int) -> None:
    service_id = await monitor.service()
    checks = [await monitor.check(service_id, f"c{number}") for number in range(6)]

    outcomes = await asyncio.gather(
        *(monitor.checks.delete(monitor.actor, service_id, check_id) for check_id in checks[:2]),
        *(monitor.checks.pause(monitor.actor, service_id, check_id) for check_id in checks[2:4]),
        monitor.services.delete(monitor.actor, service_id),
        monitor.checks.create(
            monitor.actor, service_id, CheckDraft(name="new", spec=HttpSpec(url="http://t.test/")), None
        ),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)} <= {NotFound}
    assert await names(monitor) == []


async def test_results_come_while_their_service_goes_and_none_is_left_behind(
    monitor: Monitor, admin: Admin, engine: EngineStore
) -> None:
    """Batches and the deletion lock the same states; in one order, so neither fails, and history is found whole."""
    slot = now_us() + HOUR_US
    for round_ in range(5):
        service_id = await monitor.service()
        checks = [await monitor.check(service_id, f"c{number}") for number in range(12)]

        def batch(checks: list[UUID], service_id: UUID, slot_us: int) -> list[Pending]:
            return [
                Pending(
                    Result(
                        tenant_id=monitor.tenant_id,
                        service_id=service_id,
                        check_id=check_id,
                        slot_us=slot_us,
                        interval_us=MINUTE_US,
                        outcome=Outcome.UP,
                        worker_id="w",
                        attempt=1,
                    ),
                    a_scheduled_check(
                        check_id,
                        MINUTE_US,
                        tenant_id=monitor.tenant_id,
                        shard=shard_of(check_id),
                        since_us=slot_us,
                    ),
                    0,
                )
                for check_id in checks
            ]

        await asyncio.gather(
            *(engine.record(batch(checks[:: 1 - 2 * (n % 2)], service_id, slot + n * MINUTE_US)) for n in range(4)),
            monitor.services.delete(monitor.actor, service_id),
            *(engine.record(batch(checks, service_id, slot + n * MINUTE_US)) for n in range(4, 8)),
        )
        assert await engine.record(batch(checks, service_id, slot + 60 * MINUTE_US)) == 0, round_
        while await monitor.store.remove_history(50):
            pass
        assert await admin.fetchval("SELECT count(*) FROM results") == 0


async def test_quotas_hold_however_many_ask_at_once(admin: Admin, store: MonitorStore) -> None:
    monitor = await a_monitor(admin, store, Quotas(services=3, checks=2))

    outcomes = await asyncio.gather(*(monitor.service(f"s{number}") for number in range(8)), return_exceptions=True)
    made = [outcome for outcome in outcomes if isinstance(outcome, UUID)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, FailedPrecondition)]
    assert (len(made), len(refused)) == (3, 5)
    assert {each.reason for each in refused} == {reasons.ERROR_REASON_QUOTA_EXCEEDED}
    checks = await asyncio.gather(
        *(monitor.check(made[number % 3], f"c{number}") for number in range(8)), return_exceptions=True
    )
    assert sum(isinstance(check, UUID) for check in checks) == 2
    other = await a_monitor(admin, store, Quotas(services=3, checks=2))
    await other.service()  # another tenant's are not counted

    await monitor.services.delete(monitor.actor, made[0])
    await monitor.service("s9")  # what is deleted is counted no more


async def test_a_first_check_over_the_quota_leaves_no_service(admin: Admin, store: MonitorStore) -> None:
    monitor = await a_monitor(admin, store, Quotas(services=5, checks=1))
    await monitor.service("one", url="http://t.test/")

    with pytest.raises(FailedPrecondition, match="1 checks"):
        await monitor.service("two", url="http://t.test/")
    assert await names(monitor) == ["one"]


async def test_a_create_that_is_repeated_answers_the_first_even_when_the_quota_is_full(
    admin: Admin, store: MonitorStore
) -> None:
    monitor = await a_monitor(admin, store, Quotas(services=1, checks=1))
    request_id = new_id()
    draft = ServiceDraft("Shop", "", "", {})

    made = await asyncio.gather(*(monitor.services.create(monitor.actor, draft, request_id) for _ in range(5)))
    assert len({row.service.id for row in made}) == 1
    check = CheckDraft(name="home", spec=HttpSpec(url="http://t.test/"))
    service_id = made[0].service.id
    checks = await asyncio.gather(
        *(monitor.checks.create(monitor.actor, service_id, check, request_id) for _ in range(5))
    )
    assert len({row.check.id for row in checks}) == 1
