"""semantics.md §16 to §18: time up, time down, coverage; null where there is no data; floored where shown."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import Outcome
from services.monitor.figures import uptime
from services.monitor.figures.excluded_time import spans_outside
from services.monitor.figures.latency import Latencies
from services.monitor.figures.uptime import Figures, Slot, total

S = 1_000_000
UP, DOWN, ERROR, MISSED = Outcome.UP, Outcome.DOWN, Outcome.ERROR, Outcome.MISSED


@st.composite
def histories(draw: st.DrawFn) -> list[Slot]:
    slots = []
    slot_us = draw(st.integers(0, 100 * S))
    for _ in range(draw(st.integers(0, 40))):
        interval = draw(st.sampled_from([5 * S, 10 * S, 60 * S]))
        outcome = draw(st.sampled_from(list(Outcome)))
        count = draw(st.integers(1, 5)) if outcome is MISSED else 1
        total_us = draw(st.none() | st.integers(0, 10**7)) if outcome in {UP, DOWN} else None
        slots.append(
            Slot(
                slot_us=slot_us,
                interval_us=interval,
                outcome=outcome,
                slot_count=count,
                total_us=total_us,
                slow=outcome is UP and draw(st.booleans()),
            )
        )
        slot_us += (count - 1) * interval + draw(st.integers(1, 4 * interval))
    return slots


spans = st.tuples(st.integers(0, 3000 * S), st.integers(0, 3000 * S)).map(sorted)
births = st.integers(0, 500 * S)
nows = st.integers(0, 3500 * S)


def measure(
    slots: list[Slot], start: int, end: int, birth: int, now: int, off: list[tuple[int, int]] | None = None
) -> Figures:
    (figures,) = uptime.measure(slots, [start, end], spans_outside(off or [], max(start, birth), min(end, now)))
    return figures


def second_by_second(slots: list[Slot], start: int, end: int, birth: int, now: int) -> tuple[int, int]:
    """The rule as the sentence says it: who holds this microsecond? Counted over the edges, where it can change."""
    low, high = max(start, birth), min(end, now)
    ends = {slot.slot_us + 2 * slot.interval_us for slot in slots}
    edges = sorted({low, high} | {edge for edge in {slot.slot_us for slot in slots} | ends if low < edge < high})
    held = {UP: 0, DOWN: 0, ERROR: 0, MISSED: 0}
    if high > low:
        for left, right in pairwise(edges):
            before = [slot for slot in slots if slot.slot_us <= left]
            if before and left < before[-1].slot_us + 2 * before[-1].interval_us:
                held[before[-1].outcome] += right - left
    return held[UP], held[DOWN]


@given(histories(), spans, births, nows)
def test_time_up_and_down_are_what_the_rule_says_of_each_moment(
    slots: list[Slot], span: list[int], birth: int, now: int
) -> None:
    figures = measure(slots, span[0], span[1], birth, now)

    assert (figures.up_us, figures.down_us) == second_by_second(slots, span[0], span[1], birth, now)


@given(histories(), spans, births, nows)
def test_shares_lie_between_0_and_1_and_are_none_without_data(
    slots: list[Slot], span: list[int], birth: int, now: int
) -> None:
    figures = measure(slots, span[0], span[1], birth, now)

    assert figures.unknown_us >= 0
    for share in (figures.ratio, figures.success_ratio, figures.coverage):
        assert share is None or 0 <= share <= 1
    assert (figures.ratio is None) == (figures.up_us + figures.down_us == 0)
    assert (figures.success_ratio is None) == (figures.up_slots + figures.down_slots == 0)
    assert (figures.coverage is None) == (figures.life_us == 0)


@given(histories(), spans, st.integers(0, 3000 * S), births, nows)
def test_splitting_a_span_and_adding_its_parts_changes_nothing(
    slots: list[Slot], span: list[int], cut: int, birth: int, now: int
) -> None:
    start, end = span
    middle = min(max(cut, start), end)
    left, right = measure(slots, start, middle, birth, now), measure(slots, middle, end, birth, now)

    assert left + right == total([left, right]) == measure(slots, start, end, birth, now)
    both = uptime.measure(slots, [start, middle, end], spans_outside([], max(start, birth), min(end, now)))
    assert both == [left, right]


def test_what_is_shown_is_floored_so_that_almost_all_never_reads_all() -> None:
    figures = Figures(start_us=0, end_us=1, life_us=10**12, up_us=10**12 - 1, down_us=1)

    assert figures.ratio == 0.999999


def test_error_and_missed_end_what_held_before_and_count_as_neither() -> None:
    slots = [
        Slot(slot_us=0, interval_us=10 * S, outcome=UP),
        Slot(slot_us=10 * S, interval_us=10 * S, outcome=MISSED),
        Slot(slot_us=40 * S, interval_us=10 * S, outcome=DOWN),
    ]
    figures = measure(slots, 0, 50 * S, 0, 50 * S)

    assert (figures.up_us, figures.down_us, figures.unknown_us) == (10 * S, 10 * S, 30 * S)
    assert (figures.up_slots, figures.down_slots) == (1, 1)


def test_a_result_holds_for_two_intervals_and_then_nothing_is_known() -> None:
    figures = measure([Slot(slot_us=0, interval_us=10 * S, outcome=UP)], 0, 100 * S, 0, 100 * S)

    assert (figures.up_us, figures.unknown_us) == (20 * S, 80 * S)
    assert figures.coverage == 0.2
    assert figures.ratio == 1


@given(histories(), spans, births, nows, st.tuples(st.integers(0, 3000 * S), st.integers(0, 3000 * S)).map(sorted))
def test_time_in_which_a_check_was_off_is_outside_everything(
    slots: list[Slot], span: list[int], birth: int, now: int, off: list[int]
) -> None:
    start, end = span
    figures = measure(slots, start, end, birth, now, [(off[0], off[1])])
    inside = measure(slots, max(start, off[0]), max(start, off[0], min(end, off[1])), birth, now)
    everywhere = measure(slots, start, end, birth, now)

    assert replace(figures + inside, start_us=start, end_us=end) == everywhere


def test_slow_slots_are_a_share_of_those_that_ended_up_and_nothing_where_none_did() -> None:
    slots = [
        Slot(slot_us=0, interval_us=10 * S, outcome=UP, slow=True),
        Slot(slot_us=10 * S, interval_us=10 * S, outcome=UP),
        Slot(slot_us=20 * S, interval_us=10 * S, outcome=UP),
        Slot(slot_us=30 * S, interval_us=10 * S, outcome=DOWN),
    ]
    first, second = uptime.measure(slots, [0, 30 * S, 60 * S], [(0, 60 * S)])

    assert (first.up_slots, first.slow_slots, first.slow_ratio) == (3, 1, 0.333333)
    assert (second.slow_slots, second.slow_ratio) == (0, None)
    assert (first + second).slow_slots == 1


def test_a_range_of_missed_slots_counts_where_each_slot_lies() -> None:
    missed = Slot(slot_us=5 * S, interval_us=10 * S, outcome=MISSED, slot_count=4)  # 5, 15, 25, 35
    spans = uptime.measure([missed], [0, 10 * S, 30 * S, 60 * S], [(0, 20 * S), (30 * S, 60 * S)])

    assert [each.missed_slots for each in spans] == [1, 1, 1]
    assert [each.unknown_us for each in spans] == [10 * S, 10 * S, 30 * S]


def test_latencies_are_those_of_runs_that_ended_up() -> None:
    slots = [
        Slot(slot_us=0, interval_us=10 * S, outcome=UP, total_us=100),
        Slot(slot_us=10 * S, interval_us=10 * S, outcome=DOWN, total_us=9),
        Slot(slot_us=20 * S, interval_us=10 * S, outcome=UP),
    ]
    figures = measure(slots, 0, 30 * S, 0, 30 * S)

    assert figures.latencies == Latencies({100: 1})
