"""The shortcut for checks that were UP all the time answers what the rule does."""

from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import Outcome
from services.monitor.figures.excluded_time import merge_spans, spans_outside
from services.monitor.figures.uptime import Slot, measure
from services.monitor.figures.uptime_fast_path import AllUpResults, is_gapless

S = 1_000_000


@st.composite
def steadies(draw: st.DrawFn) -> AllUpResults:
    interval = draw(st.sampled_from([1, 5 * S, 60 * S]))
    slots = [draw(st.integers(0, 500 * S))]
    for gap in draw(st.lists(st.integers(1, 2 * interval), max_size=30)):
        slots.append(slots[-1] + gap)
    took = st.none() | st.integers(0, 10**7)
    return AllUpResults(slots, interval, draw(st.lists(took, min_size=len(slots), max_size=len(slots))))


moments = st.integers(0, 3_000 * S)


@given(steadies(), st.lists(moments, min_size=2, max_size=6, unique=True), st.lists(st.tuples(moments, moments)))
def test_it_is_what_the_rule_makes_of_the_same_results(
    steady: AllUpResults, edges: list[int], off: list[tuple[int, int]]
) -> None:
    edges.sort()
    alive = spans_outside(merge_spans((min(pair), max(pair)) for pair in off), edges[0], edges[-1])

    assert steady.measure(edges, alive) == measure(list(steady), edges, alive)


def test_results_hold_on_while_none_is_further_than_two_intervals_from_the_next() -> None:
    assert is_gapless([0, 10, 30], 10)
    assert not is_gapless([0, 10, 31], 10)
    assert is_gapless([7], 10)


def test_one_by_one_they_are_slots_that_ended_up() -> None:
    assert list(AllUpResults([0, 10], 10, [3, None])) == [
        Slot(slot_us=0, interval_us=10, outcome=Outcome.UP, slot_count=1, total_us=3),
        Slot(slot_us=10, interval_us=10, outcome=Outcome.UP, slot_count=1, total_us=None),
    ]
