"""The verdict on what an attempt learned."""

from hypothesis import given
from hypothesis import strategies as st

from services.common.outcome import ErrorKind, Outcome
from services.common.specs.assertions import BodyContains, StatusIs
from services.worker.facts import Facts
from services.worker.judge import judge
from services.worker.wire.body import Body

statuses = st.integers(100, 599)


@given(statuses)
def test_any_2xx_is_up_when_nothing_else_is_expected(status: int) -> None:
    verdict = judge([StatusIs()], Facts(status))

    assert (verdict.outcome is Outcome.UP) == (status // 100 == 2)


@given(statuses, st.lists(statuses, min_size=1, max_size=100, unique=True))
def test_exactly_the_expected_statuses_are_up_and_the_rest_says_why(status: int, expected: list[int]) -> None:
    verdict = judge([StatusIs(tuple(expected))], Facts(status))

    if status in expected:
        assert verdict.outcome is Outcome.UP
    else:
        assert (verdict.outcome, verdict.error_kind) == (Outcome.DOWN, ErrorKind.STATUS)
        assert verdict.message.startswith(f"status {status}, expected {expected[0]}")
        assert len(verdict.message) <= 256


@given(st.text(max_size=20), st.text(min_size=1, max_size=4), st.booleans())
def test_a_body_is_up_when_it_contains_the_text_and_too_large_only_when_it_lacks_it(
    body: str, text: str, truncated: bool
) -> None:
    facts = Facts(200, body=Body((), body.encode(), truncated=truncated))
    verdict = judge([StatusIs(), BodyContains(text)], facts)

    if text in body:
        assert verdict.outcome is Outcome.UP
    else:
        # Nothing is in every coding, so that an empty body that was cut off was cut off.
        assert verdict.error_kind is (ErrorKind.TOO_LARGE if truncated else ErrorKind.ASSERTION)
