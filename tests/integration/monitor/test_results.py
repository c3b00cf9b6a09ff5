"""The history of a check: newest first, whole over its pages, read along the key however long it is."""

import re
from dataclasses import replace
from uuid import UUID

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.outcome import Outcome
from services.checks.result import Result
from services.monitor.results import ResultFilter
from services.monitor.store import MonitorStore
from services.monitor.store import results as store_results
from services.platform.clock import DAY_US, MINUTE_US, to_datetime
from services.platform.errors import InvalidArgument, NotFound
from services.platform.ids import new_id
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.integration.monitor.plans import asked, plan_of
from tests.support.rows import START_US

EVERY = ResultFilter()
UP, DOWN, MISSED = int(Outcome.UP), int(Outcome.DOWN), int(Outcome.MISSED)


async def history(
    admin: Admin, monitor: Monitor, check_id: UUID, slots: dict[int, tuple[int, int]], table: str = "results"
) -> None:
    """Record results: by minute, how the slot ended and how many slots it stands for."""
    for minute in slots:
        await admin.execute("SELECT make_results_partition($1)", to_datetime(START_US + minute * MINUTE_US).date())
    await admin.executemany(
        f"INSERT INTO {table} (tenant_id, check_id, slot_time, service_id, interval_us, outcome, slot_count, worker_id,"
        " recorded_xid) VALUES ($1, $2, $3, $1, $4, $5, $6, 'w', 1)",
        [
            (monitor.tenant_id, check_id, to_datetime(START_US + minute * MINUTE_US), MINUTE_US, outcome, count)
            for minute, (outcome, count) in slots.items()
        ],
    )


async def listed(
    monitor: Monitor, service_id: UUID, check_id: UUID, wanted: ResultFilter = EVERY, size: int = 3
) -> list[Result]:
    """The results of all pages."""
    found: list[Result] = []
    token = ""
    while True:
        page = await monitor.results.list(monitor.tenant_id, service_id, check_id, wanted, size, token)
        assert len(page.items) <= size
        found += page.items
        token = page.next_token
        if not token:
            return found


def minutes(found: list[Result]) -> list[int]:
    """The minutes of the slots."""
    return [(result.slot_us - START_US) // MINUTE_US for result in found]


def between(start: int, end: int) -> ResultFilter:
    """Results of these minutes, the last one not included."""
    return ResultFilter(START_US + start * MINUTE_US, START_US + end * MINUTE_US)


async def test_all_pages_together_are_the_history_newest_first(admin: Admin, monitor: Monitor) -> None:
    service, check = await _checked(monitor)
    await history(admin, monitor, check, {minute: (UP if minute % 5 else DOWN, 1) for minute in range(20)})

    assert minutes(await listed(monitor, service, check)) == list(range(19, -1, -1))
    assert minutes(await listed(monitor, service, check, size=20)) == list(range(19, -1, -1))
    assert minutes(await listed(monitor, service, check, between(4, 9))) == [8, 7, 6, 5, 4]
    down = replace(EVERY, outcomes=(Outcome.DOWN,))
    assert minutes(await listed(monitor, service, check, down, size=2)) == [15, 10, 5, 0]
    both = replace(between(4, 11), outcomes=(Outcome.DOWN, Outcome.MISSED))
    assert minutes(await listed(monitor, service, check, both)) == [10, 5]


async def test_missed_slots_in_a_row_are_one_result_wherever_the_range_cuts_them(
    admin: Admin, monitor: Monitor
) -> None:
    service, check = await _checked(monitor)
    await history(admin, monitor, check, {0: (UP, 1), 1: (MISSED, 5), 6: (UP, 1)})

    found = await listed(monitor, service, check, between(5, 7))
    assert minutes(found) == [6, 1]
    assert (found[1].outcome, found[1].slot_count) == (Outcome.MISSED, 5)
    assert minutes(await listed(monitor, service, check, between(6, 7))) == [6]
    assert minutes(await listed(monitor, service, check, between(2, 4))) == [1]
    missed = replace(between(5, 7), outcomes=(Outcome.MISSED,))
    assert minutes(await listed(monitor, service, check, missed)) == [1]


async def test_runs_on_demand_are_listed_apart(admin: Admin, monitor: Monitor) -> None:
    service, check = await _checked(monitor)
    await history(admin, monitor, check, {0: (UP, 1), 1: (UP, 1)})
    await history(admin, monitor, check, {7: (DOWN, 1)}, table="on_demand_results")

    assert minutes(await listed(monitor, service, check)) == [1, 0]
    assert minutes(await listed(monitor, service, check, replace(EVERY, on_demand=True))) == [7]


async def test_a_page_looks_through_a_bounded_part_and_says_where_to_go_on(
    admin: Admin, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, check = await _checked(monitor)
    await history(admin, monitor, check, {minute: (DOWN if minute in (0, 9) else UP, 1) for minute in range(20)})
    monkeypatch.setattr(store_results, "MOST_SCANNED", 4)
    down = replace(EVERY, outcomes=(Outcome.DOWN,))

    first = await monitor.results.list(monitor.tenant_id, service, check, down, 3, "")
    assert not first.items
    assert first.next_token
    assert minutes(await listed(monitor, service, check, down)) == [9, 0]


async def test_what_is_not_the_callers_is_not_found_and_tokens_stay_with_their_filter(
    admin: Admin, store: MonitorStore, monitor: Monitor
) -> None:
    service, check = await _checked(monitor)
    await history(admin, monitor, check, dict.fromkeys(range(4), (UP, 1)))
    other = await a_monitor(admin, store)
    its_service, its_check = await _checked(other)

    for service_id, check_id in ((its_service, its_check), (service, its_check), (its_service, check)):
        with pytest.raises(NotFound) as refused:
            await monitor.results.list(monitor.tenant_id, service_id, check_id, EVERY, 0, "")
        assert refused.value.reason == reasons.ERROR_REASON_CHECK_NOT_FOUND

    token = (await monitor.results.list(monitor.tenant_id, service, check, EVERY, 1, "")).next_token
    with pytest.raises(InvalidArgument) as bad:
        await monitor.results.list(monitor.tenant_id, service, check, between(0, 2), 1, token)
    assert bad.value.reason == reasons.ERROR_REASON_PAGE_TOKEN_INVALID


@pytest.mark.parametrize("outcomes", [(), (Outcome.DOWN,)])
async def test_no_page_scans_the_results_and_a_range_touches_its_own_days_only(
    admin: Admin, monitor: Monitor, outcomes: tuple[Outcome, ...]
) -> None:
    service, check = await _checked(monitor)
    day = DAY_US // MINUTE_US
    for minute in range(0, 60 * day, day):
        await admin.execute("SELECT make_results_partition($1)", to_datetime(START_US + minute * MINUTE_US).date())
    # So many checks that a day of one is a small part of its partition.
    for check_id in (check, *(new_id() for _ in range(15))):
        await admin.execute(
            """INSERT INTO results (tenant_id, check_id, slot_time, service_id, interval_us, outcome, worker_id,
                                    recorded_xid)
               SELECT $1, $2, $3::timestamptz + make_interval(mins => n), $1, 60000000, 1 + (n % 97 = 0)::int, 'w', 1
               FROM generate_series(0, 60 * 1440 - 1500, 15) AS n""",
            monitor.tenant_id, check_id, to_datetime(START_US),
        )  # fmt: skip
    await admin.execute("ANALYZE results")

    for wanted, days in (between(20 * day, 22 * day), 3), (replace(EVERY, from_us=START_US + 50 * day * MINUTE_US), 10):
        with asked() as statements:
            await monitor.results.list(monitor.tenant_id, service, check, replace(wanted, outcomes=outcomes), 50, "")
        of_results = [each for each in statements if "FROM results" in each[0]]
        assert len(of_results) == 2 + bool(outcomes)
        for statement in of_results:
            plan = await plan_of(admin, monitor.tenant_id, statement)
            assert "Seq Scan" not in plan, plan
            assert _days_touched(plan) <= days + 1, plan


def _days_touched(plan: str) -> int:
    """How many partitions were really read."""
    read = (line for line in plan.splitlines() if "never executed" not in line)
    days = {day for line in read for day in re.findall(r"Scan.* on (results_\d{8}) ", line)}
    assert days, plan
    return len(days)


async def _checked(monitor: Monitor) -> tuple[UUID, UUID]:
    """A service and a check on it."""
    service_id = await monitor.service()
    return service_id, await monitor.check(service_id)
