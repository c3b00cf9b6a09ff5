"""Pauses between attempts: bounded, doubling, drawn over their whole length."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.retry import DATABASE, Backoff, Retry

TOP = Path(__file__).parents[3]
_BACKOFFS = st.builds(
    lambda first, times: Backoff(first_s=first, longest_s=first * times),
    st.floats(min_value=0.001, max_value=60),
    st.floats(min_value=1, max_value=1_000),
)
_FAILURES = st.integers(min_value=1, max_value=10**6)
_DRAWS = st.floats(min_value=0, max_value=1)


@given(_BACKOFFS, _FAILURES, _DRAWS)
def test_no_pause_is_negative_or_longer_than_the_longest(backoff: Backoff, failures: int, draw: float) -> None:
    assert 0 <= backoff.pause_s(failures, draw) <= backoff.longest_s


@given(_BACKOFFS, _DRAWS)
def test_the_first_pause_is_no_longer_than_the_first_bound(backoff: Backoff, draw: float) -> None:
    assert backoff.pause_s(1, draw) <= backoff.first_s


@given(_BACKOFFS, _FAILURES)
def test_the_bound_doubles_until_the_longest_is_reached(backoff: Backoff, failures: int) -> None:
    now, later = backoff.pause_s(failures, 1.0), backoff.pause_s(failures + 1, 1.0)
    assert later == min(2 * now, backoff.longest_s)


@given(_BACKOFFS, _FAILURES, _DRAWS)
def test_a_pause_is_its_bound_times_the_draw_so_that_all_of_it_is_used(
    backoff: Backoff, failures: int, draw: float
) -> None:
    assert backoff.pause_s(failures, 0.0) == 0
    assert backoff.pause_s(failures, draw) == pytest.approx(draw * backoff.pause_s(failures, 1.0))


@given(_BACKOFFS, st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_success_begins_anew_and_failures_in_a_row_add_up(backoff: Backoff, failed: list[bool]) -> None:
    retry, in_a_row = Retry(backoff, draw=lambda: 1.0), 0
    for each in failed:
        if each:
            in_a_row += 1
            assert retry.failed_s() == backoff.pause_s(in_a_row, 1.0)
        else:
            in_a_row = 0
            retry.succeeded()


def test_loops_that_failed_at_the_same_moment_pause_for_different_times() -> None:
    assert len({Retry(DATABASE).failed_s() for _ in range(50)}) > 1


async def test_a_pause_lasts_as_long_as_was_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    retry = Retry(Backoff(first_s=0.5, longest_s=1.5), draw=lambda: 0.5)
    for _ in range(4):
        await retry.pause()
    assert slept == [0.25, 0.5, 0.75, 0.75]


def test_no_loop_sleeps_by_itself_when_something_failed() -> None:
    modules = [path for root in ("services", "cli") for path in (TOP / root).rglob("*.py")]
    found = {str(path.relative_to(TOP)) for path in modules if any(_sleeps(path))}
    # A thread that accepts connections, and pauses for as long each time.
    assert found == {"services/platform/metrics/metrics_server.py"}


def _sleeps(path: Path) -> Iterator[ast.Call]:
    for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(handler, ast.ExceptHandler):
            for call in ast.walk(handler):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "sleep":
                    yield call
