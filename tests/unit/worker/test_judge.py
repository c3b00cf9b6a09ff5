"""The verdict on a status code."""

from hypothesis import given
from hypothesis import strategies as st

from services.common.outcome import ErrorKind, Outcome
from services.common.spec import HttpSpec
from services.worker.judge import judge

statuses = st.integers(100, 599)


@given(statuses)
def test_any_2xx_is_up_when_nothing_else_is_expected(status: int) -> None:
    verdict = judge(HttpSpec("http://t/"), status)

    assert (verdict.outcome is Outcome.UP) == (status // 100 == 2)


@given(statuses, st.lists(statuses, min_size=1, max_size=100, unique=True))
def test_exactly_the_expected_statuses_are_up_and_the_rest_says_why(status: int, expected: list[int]) -> None:
    verdict = judge(HttpSpec("http://t/", expected_statuses=tuple(expected)), status)

    if status in expected:
        assert verdict.outcome is Outcome.UP
    else:
        assert (verdict.outcome, verdict.error_kind) == (Outcome.DOWN, ErrorKind.STATUS)
        assert verdict.message.startswith(f"status {status}, expected {expected[0]}")
        assert len(verdict.message) <= 256
