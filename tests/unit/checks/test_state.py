"""semantics.md §12: thresholds, and what neither advances nor resets."""

from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import Outcome
from services.checks.state import CheckState, Track, advance, known_state

STEP = 10_000_000
outcomes = st.lists(st.sampled_from(list(Outcome)), max_size=60)
thresholds = st.integers(1, 5)


def run(results: list[Outcome], failure: int, recovery: int) -> Track:
    track = Track()
    for number, outcome in enumerate(results):
        track = advance(track, number * STEP, outcome, failure, recovery)
    return track


def model(results: list[Outcome], failure: int, recovery: int) -> CheckState:
    """The rule as the sentence says it, over the whole history."""
    state = CheckState.UNKNOWN
    verdicts = [outcome for outcome in results if outcome in (Outcome.UP, Outcome.DOWN)]
    for end in range(1, len(verdicts) + 1):
        if end >= failure and set(verdicts[end - failure : end]) == {Outcome.DOWN}:
            state = CheckState.DOWN
        elif end >= recovery and set(verdicts[end - recovery : end]) == {Outcome.UP}:
            state = CheckState.UP
    return state


@given(outcomes, thresholds, thresholds)
def test_the_state_is_what_the_rule_says_of_the_whole_history(
    results: list[Outcome], failure: int, recovery: int
) -> None:
    assert run(results, failure, recovery).state is model(results, failure, recovery)


@given(outcomes, thresholds, thresholds, st.sampled_from([Outcome.ERROR, Outcome.MISSED]), st.integers(0, 60))
def test_error_and_missed_are_inert_wherever_they_come(
    results: list[Outcome], failure: int, recovery: int, inert: Outcome, at: int
) -> None:
    before, after = results[:at], results[at:]
    track = Track()
    slots = iter(range(0, 10**9, STEP))
    for outcome in before:
        track = advance(track, next(slots), outcome, failure, recovery)
    assert advance(track, 10**9, inert, failure, recovery) == track
    assert run([*before, inert, *after], failure, recovery).state is run(results, failure, recovery).state


def test_down_begins_at_the_first_failing_slot_of_the_run_that_confirmed_it() -> None:
    track = run([Outcome.UP, Outcome.DOWN, Outcome.ERROR, Outcome.DOWN], failure=2, recovery=1)

    assert (track.state, track.state_us) == (CheckState.DOWN, 1 * STEP)


def test_a_check_without_a_verdict_for_two_intervals_is_unknown() -> None:
    track = run([Outcome.UP, Outcome.MISSED, Outcome.ERROR], failure=2, recovery=1)

    assert known_state(track, STEP, 2 * STEP) == (CheckState.UP, 0)
    assert known_state(track, STEP, 2 * STEP + 1) == (CheckState.UNKNOWN, 2 * STEP)


def test_a_check_that_never_ran_is_unknown_since_nobody_knows_when() -> None:
    assert known_state(Track(), STEP, 5) == (CheckState.UNKNOWN, None)
