"""semantics.md §20: a greedy tenant leaves room; nobody waits for the runs of another to time out."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.checks.specs.http import HttpSpec
from services.platform.clock import SECOND_US
from services.platform.fair_pool import FairPool
from services.worker.cpu_budget import CpuBudget
from services.worker.dispatch import Dispatcher, Run
from services.worker.fairness import ConcurrencyLimits
from services.worker.schedule import ScheduledCheck, Watermark
from tests.support.worker import a_scheduled_check

CAPACITY = 300
T0 = 1_700_000_000 * SECOND_US


def tenant(number: int) -> UUID:
    return UUID(int=number + 1)


def place(number: int, target: int, *, keeps_body: bool) -> ScheduledCheck:
    spec = HttpSpec(url="http://t.test/", body_contains="ok" if keeps_body else "")
    return a_scheduled_check(tenant_id=tenant(number), target=f"t{target}.test", spec=spec)


@given(st.integers(1, 20))
def test_however_many_tenants_take_what_they_can_the_next_one_may_begin_at_once(greedy: int) -> None:
    pool = FairPool(CAPACITY, 2)
    progress = True
    while progress:
        progress = False
        for number in range(greedy):
            if pool.admits(tenant(number)):
                pool.acquire(tenant(number))
                progress = True

    assert pool.admits(tenant(99))
    assert CAPACITY - pool.taken >= CAPACITY // (2 * greedy + 1) - greedy
    if greedy == 1:
        assert pool.taken == CAPACITY * 2 // 3


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans(), st.booleans()), max_size=200))
def test_no_bound_is_ever_exceeded_and_what_is_given_back_is_free(steps: list[tuple[int, int, bool, bool]]) -> None:
    shares = ConcurrencyLimits(20, 7, 5, CpuBudget())
    taken: list[ScheduledCheck] = []
    for number, target, keeps_body, back in steps:
        check = place(number, target, keeps_body=keeps_body)
        if back and taken:
            shares.release(taken.pop())
        elif shares.admits_tenant(check.tenant_id, keeps_body=keeps_body) and shares.admits_target(
            check.tenant_id, check.target
        ):
            shares.acquire(check)
            taken.append(check)
        assert shares.taken == len(taken) <= 20
        assert all(sum(each.target == f"t{number}.test" for each in taken) <= 7 for number in range(3))
        assert sum(each.spec.reads_body for each in taken) <= 5
    for check in taken:
        shares.release(check)
    assert shares.taken == 0
    assert all(shares.admits_target(tenant(0), f"t{target}.test") for target in range(3))
    assert shares.admits_tenant(tenant(0), keeps_body=True)


def test_who_waits_for_a_body_holds_up_no_check_without() -> None:
    dispatcher = Dispatcher(100, 100, 3)
    for number in range(40):
        spec = HttpSpec(url="http://t.test/", body_contains="ok" if number < 20 else "")
        dispatcher.hold(a_scheduled_check(UUID(int=number + 100), 5 * SECOND_US, spec=spec), Watermark(T0), T0)

    starting, _ = dispatcher.due(T0 + 5 * SECOND_US)
    assert sum(not run.check.spec.reads_body for run in starting) == 20
    assert sum(run.check.spec.reads_body for run in starting) == 2
    assert dispatcher.due_count == 18


def test_ten_thousand_checks_that_time_out_delay_nobody_else() -> None:
    """Simulated: a tenant whose runs take 10 s each, and one whose checks have to begin within 1 s."""
    dispatcher = Dispatcher(4_000, 256, 256)
    second = SECOND_US
    for number in range(10_000):
        check = a_scheduled_check(UUID(int=number + 10**6), 20 * second, tenant_id=tenant(1), target=f"h{number % 500}")
        dispatcher.hold(check, Watermark(T0), T0)
    for number in range(200):
        check = a_scheduled_check(UUID(int=number + 2 * 10**6), 5 * second, tenant_id=tenant(2), target="other.test")
        dispatcher.hold(check, Watermark(T0), T0)

    running: list[tuple[int, Run]] = []
    delays: list[int] = []
    missed = {tenant(1): 0, tenant(2): 0}
    for now in range(T0, T0 + 120 * second, second // 20):
        for _, run in [each for each in running if each[0] <= now]:
            dispatcher.ended(run, run.check, now)
        running = [each for each in running if each[0] > now]
        starting, all_missed = dispatcher.due(now)
        for missed_slots in all_missed:
            missed[missed_slots.check.tenant_id] += missed_slots.missed.count
        for run in starting:
            slow = run.check.tenant_id == tenant(1)
            running.append((now + (10 * second if slow else second // 10), run))
            if not slow:
                delays.append(now - run.slot_us)

    assert len(delays) > 200 * 115 // 5
    assert max(delays) <= second
    assert missed[tenant(2)] == 0
    assert missed[tenant(1)] > 0  # it cannot run them all; what it cannot is accounted for


def test_a_tenant_that_has_spent_its_processor_time_is_delayed_and_another_is_not() -> None:
    budget = CpuBudget()
    dispatcher = Dispatcher(100, 100, 100, budget)
    greedy = a_scheduled_check(tenant_id=tenant(0), interval_us=60 * SECOND_US)
    dispatcher.hold(greedy, Watermark(T0), T0)
    due_us = dispatcher.next_us
    assert due_us is not None
    budget.charge(tenant(0), 2 * SECOND_US, due_us)
    assert dispatcher.due(due_us) == ([], [])
    assert dispatcher.due_count == 1

    beside = Dispatcher(100, 100, 100, budget)
    beside.hold(replace(greedy, tenant_id=tenant(1)), Watermark(T0), T0)
    (run,), all_missed = beside.due(due_us)
    assert (run.check.tenant_id, all_missed) == (tenant(1), [])

    assert dispatcher.due(due_us + 3 * SECOND_US) == ([], [])
    (run,), all_missed = dispatcher.due(due_us + 5 * SECOND_US)
    assert (run.check.tenant_id, all_missed) == (tenant(0), [])
