"""A tenant whose work costs too much waits until its budget is refilled, and nobody else does."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.platform.clock import SECOND_US
from services.worker.cpu_budget import CPU_SHARE, CpuBudget

A, B = UUID(int=1), UUID(int=2)
T0 = 1_700_000_000 * SECOND_US


def test_a_tenant_that_was_never_charged_need_not_wait() -> None:
    assert CpuBudget().wait_us(A, T0) == 0


def test_what_is_spent_comes_back_at_the_share_and_only_its_tenant_waits() -> None:
    budget = CpuBudget()
    budget.charge(A, SECOND_US - 1, T0)
    assert budget.wait_us(A, T0) == 0
    budget.charge(A, SECOND_US + 1, T0)
    wait_us = budget.wait_us(A, T0)
    assert abs(wait_us - SECOND_US / CPU_SHARE) <= 1
    assert budget.wait_us(B, T0) == 0
    assert budget.wait_us(A, T0 + wait_us - 10) > 0
    assert budget.wait_us(A, T0 + wait_us + 10) == 0


def test_a_debt_is_bounded_and_a_clock_that_is_stepped_back_refills_nothing() -> None:
    budget = CpuBudget()
    for _ in range(100):
        budget.charge(A, 100 * SECOND_US, T0)
    most_us = budget.wait_us(A, T0)
    assert most_us == int(10 * SECOND_US / CPU_SHARE) + 1
    assert budget.wait_us(A, T0 - 1_000 * SECOND_US) == most_us


def test_tenants_whose_budgets_are_full_are_forgotten() -> None:
    budget = CpuBudget()
    for number in range(5_000):
        budget.charge(UUID(int=number), 1, T0 + number * SECOND_US)
    assert len(budget._left) <= 1_001


@given(st.lists(st.tuples(st.integers(0, 2_000_000), st.integers(0, 3 * SECOND_US)), min_size=1, max_size=50))
def test_over_any_time_a_tenant_begins_no_more_than_its_share_a_burst_and_one_run(runs: list[tuple[int, int]]) -> None:
    budget, now, spent = CpuBudget(), T0, 0
    for cpu_us, pause_us in runs:
        now += pause_us
        if budget.wait_us(A, now) == 0:
            assert spent <= SECOND_US + CPU_SHARE * (now - T0) + 1
            budget.charge(A, cpu_us, now)
            spent += cpu_us
