"""semantics.md §2: each slot counts once, also where a range of missed slots begins before what is accounted for."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import MissedReason, Outcome
from services.checks.result import Result
from services.checks.state import CheckState, Track, advance, known_state
from services.platform.clock import SECOND_US
from services.worker.check_progress import CheckProgress, count_results
from services.worker.record import Pending
from services.worker.schedule import Period
from tests.support.worker import a_scheduled_check

INTERVAL = 5 * SECOND_US
CHECK = a_scheduled_check(UUID(int=3), INTERVAL)
BASE = 1_790_000_000 * SECOND_US


def missed(first: int, slots: int, known_us: int = 0) -> Pending:
    """A range of missed slots, from a worker that knows the check as it was at a time."""
    result = Result(
        tenant_id=CHECK.tenant_id,
        service_id=CHECK.service_id,
        check_id=CHECK.id,
        slot_us=BASE + first * INTERVAL,
        interval_us=INTERVAL,
        outcome=Outcome.MISSED,
        worker_id="w",
        missed_reason=MissedReason.NO_WORKER,
        slot_count=slots,
    )
    return Pending(result, replace(CHECK, since_us=known_us), 1)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), max_size=6))
def test_ranges_that_overlap_leave_no_slot_out_and_count_none_twice(ranges: list[tuple[int, int]]) -> None:
    tally = CheckProgress(
        tenant_id=CHECK.tenant_id, track=Track(), accounted_us=BASE - 1, epoch=1, since_us=0, interval_us=INTERVAL
    )
    counted = count_results([missed(first, slots) for first, slots in ranges], {CHECK.id: tally})

    slots = [
        (each.result.slot_us - BASE) // INTERVAL + number
        for each in counted
        for number in range(each.result.slot_count)
    ]
    assert slots == sorted(set(slots))
    reached = -1
    expected: list[int] = []
    for first, length in ranges:
        expected += range(max(first, reached + 1), first + length)
        reached = max(reached, first + length - 1)
    assert slots == expected
    assert tally.accounted_us == (BASE + slots[-1] * INTERVAL if slots else BASE - 1)


@given(
    st.integers(-5, 30),
    st.integers(1, 40),
    st.integers(1, 15),
    st.integers(0, 15),
    st.sampled_from([1, 2]),
    st.sampled_from([0, 1, 2]),
)
def test_a_range_counts_where_the_check_was_on_with_its_interval_as_far_as_its_worker_knew_the_periods(
    first: int, slots: int, length: int, pause: int, factor: int, known: int
) -> None:
    until, since = BASE + length * INTERVAL, BASE + (length + pause) * INTERVAL
    before = BASE - 10 * INTERVAL
    former = [Period(BASE, until, INTERVAL)]
    tally = CheckProgress(
        tenant_id=CHECK.tenant_id,
        track=Track(),
        accounted_us=before,
        epoch=1,
        since_us=since,
        interval_us=factor * INTERVAL,
        former=former,
    )
    counted = count_results([missed(first, slots, (before, BASE, since)[known])], {CHECK.id: tally})

    due = {
        *(range(length) if known >= 1 else ()),
        *(range(length + pause, 100) if factor == 1 and known == 2 else ()),
    }
    told = [
        (each.result.slot_us - BASE) // INTERVAL + number
        for each in counted
        for number in range(each.result.slot_count)
    ]
    assert told == [number for number in range(first, first + slots) if number in due]
    assert tally.accounted_us == (BASE + told[-1] * INTERVAL if told else before)


HISTORIES = st.lists(st.sampled_from([Outcome.UP, Outcome.DOWN, Outcome.ERROR, Outcome.MISSED]), max_size=8)


@given(HISTORIES, st.sampled_from(Outcome), st.integers(1, 6), st.integers(0, 3 * SECOND_US))
def test_whatever_moves_what_is_shown_of_a_check_is_news(
    history: list[Outcome], outcome: Outcome, gap: int, late_us: int
) -> None:
    before = Track()
    for number, each in enumerate(history):
        before = advance(before, BASE + number * INTERVAL, each, 2, 2)
    slot_us = BASE + (len(history) - 1 + gap) * INTERVAL
    now = slot_us + late_us
    after = advance(before, slot_us, outcome, 2, 2)
    tally = CheckProgress(
        tenant_id=CHECK.tenant_id, track=after, accounted_us=slot_us, epoch=1, since_us=BASE, interval_us=INTERVAL
    )
    for clock in (now - SECOND_US + 1, now, now + SECOND_US - 1):  # another machine's
        if known_state(before, INTERVAL, clock) != known_state(after, INTERVAL, clock):
            assert tally.changes_display(before, now)


@given(st.integers(2, 100), st.integers(0, INTERVAL - 2 * SECOND_US))
def test_a_check_that_goes_on_as_it_was_is_no_news(slots: int, late_us: int) -> None:
    before = Track()
    for number in range(slots):
        after = advance(before, BASE + number * INTERVAL, Outcome.UP, 2, 1)
        tally = CheckProgress(
            tenant_id=CHECK.tenant_id, track=after, accounted_us=BASE, epoch=1, since_us=BASE, interval_us=INTERVAL
        )
        assert tally.changes_display(before, BASE + number * INTERVAL + late_us) == (number == 0)
        before = after
    assert before.state is CheckState.UP
