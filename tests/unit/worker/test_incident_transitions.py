"""semantics.md §12, §14: at most one open incident a check; it begins and ends at the first slots of confirmed runs."""

from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import Outcome
from services.checks.result import Result
from services.checks.state import Track
from services.platform.clock import SECOND_US
from services.worker.check_progress import CheckProgress, count_results
from services.worker.incident_transitions import IncidentTransition
from services.worker.record import Pending
from tests.support.incidents import Incident, incidents_of, runs
from tests.support.worker import a_scheduled_check

INTERVAL = 5 * SECOND_US
UP, DOWN = Outcome.UP, Outcome.DOWN
histories = st.lists(st.sampled_from(list(Outcome)), max_size=60)
thresholds = st.integers(1, 4)


def turns_of(
    history: Sequence[Outcome], failure: int, recovery: int, maintenance: Sequence[tuple[int, int]] = ()
) -> tuple[IncidentTransition, ...]:
    """Where the incident of a check with this history turns; spans of maintenance in slots."""
    check = a_scheduled_check(UUID(int=3), INTERVAL, failure_threshold=failure, recovery_threshold=recovery)
    spans = [(start * INTERVAL, end * INTERVAL) for start, end in maintenance]
    tally = CheckProgress(
        tenant_id=check.tenant_id,
        track=Track(),
        accounted_us=-1,
        epoch=1,
        since_us=0,
        interval_us=INTERVAL,
        maintenance=spans,
    )
    batch = [
        Pending(
            Result(
                tenant_id=check.tenant_id,
                service_id=check.service_id,
                check_id=check.id,
                slot_us=n * INTERVAL,
                interval_us=INTERVAL,
                outcome=outcome,
                worker_id="w",
            ),
            check,
            1,
        )
        for n, outcome in enumerate(history)
    ]
    assert len(count_results(batch, {check.id: tally})) == len(batch)
    return tally.transitions


def written(turns: Sequence[IncidentTransition], by_hand: Sequence[int] = ()) -> list[Incident]:
    """What is in the table behind the turns: one opens unless one is open, and is resolved if one is.

    Args:
        turns: in order.
        by_hand: slots behind which what is open is resolved by hand.
    """
    found: list[Incident] = []
    hands = sorted(by_hand)

    def is_open() -> bool:
        return bool(found) and found[-1][1] is None

    for turn in turns:
        while hands and hands[0] < turn.slot_us // INTERVAL:
            hand = hands.pop(0)
            if is_open():
                found[-1] = (found[-1][0], hand)
        if turn.opens and not is_open():
            found.append((turn.run_us // INTERVAL, None))
        if not turn.opens and is_open():
            found[-1] = (found[-1][0], turn.run_us // INTERVAL)
    if hands and is_open():
        found[-1] = (found[-1][0], hands[0])
    return found


@given(histories, thresholds, thresholds)
def test_incidents_are_what_the_rule_says_of_the_whole_history(
    history: list[Outcome], failure: int, recovery: int
) -> None:
    assert written(turns_of(history, failure, recovery)) == incidents_of(history, failure, recovery)


@given(histories, thresholds, thresholds, st.sampled_from([Outcome.ERROR, Outcome.MISSED]), st.integers(0, 60))
def test_error_and_missed_turn_nothing(
    history: list[Outcome], failure: int, recovery: int, inert: Outcome, at: int
) -> None:
    """The same turns in the same order, whatever comes between."""
    with_it = turns_of([*history[:at], inert, *history[at:]], failure, recovery)

    assert [turn.opens for turn in with_it] == [turn.opens for turn in turns_of(history, failure, recovery)]
    assert turns_of([*history, inert], failure, recovery) == turns_of(history, failure, recovery)


@given(histories, thresholds, thresholds, st.sets(st.integers(0, 59), max_size=3))
def test_behind_a_resolution_by_hand_another_opens_by_a_newly_confirmed_run_only(
    history: list[Outcome], failure: int, recovery: int, by_hand: set[int]
) -> None:
    found = written(turns_of(history, failure, recovery), sorted(by_hand))
    confirmed = {
        slots[0]: slots[failure - 1] for outcome, slots in runs(history) if outcome is DOWN and len(slots) >= failure
    }

    assert all(start in confirmed for start, _ in found)
    assert len({start for start, _ in found}) == len(found)  # none opens twice by one run
    assert sum(end is None for _, end in found) <= 1
    for (_, end), (following, _) in pairwise(found):
        assert end is not None
        assert confirmed[following] > end
    # And each confirmed run has its incident: its own, or the one that was open.
    for first, last in confirmed.items():
        assert any(start <= first and (end is None or end >= last) for start, end in found)


def test_a_check_that_fails_on_under_a_raised_threshold_opens_none_twice() -> None:
    check = a_scheduled_check(UUID(int=3), INTERVAL, failure_threshold=1)
    patient = a_scheduled_check(UUID(int=3), INTERVAL, failure_threshold=3)
    tally = CheckProgress(
        tenant_id=check.tenant_id, track=Track(), accounted_us=-1, epoch=1, since_us=0, interval_us=INTERVAL
    )
    for number, as_it_was in enumerate([check, patient, patient, patient]):
        result = Result(
            tenant_id=check.tenant_id,
            service_id=check.service_id,
            check_id=check.id,
            slot_us=number * INTERVAL,
            interval_us=INTERVAL,
            outcome=DOWN,
            worker_id="w",
        )
        count_results([Pending(result, as_it_was, 1)], {check.id: tally})

    assert [(turn.opens, turn.run_us) for turn in tally.transitions] == [(True, 0)]


@given(histories, thresholds, thresholds, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=3))
def test_inside_a_window_a_result_lengthens_and_breaks_no_run(
    history: list[Outcome], failure: int, recovery: int, spans: list[tuple[int, int]]
) -> None:
    unheard = [
        Outcome.ERROR if any(start <= number < end for start, end in spans) else outcome
        for number, outcome in enumerate(history)
    ]
    assert turns_of(history, failure, recovery, spans) == turns_of(unheard, failure, recovery)
