"""semantics.md §19: closed hours and the tail together equal the figures of all raw results, to the microsecond."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import Outcome
from services.monitor.figures.closed_hours import (
    Candidate,
    CheckHistory,
    ceiling,
    choose_batch,
    close_until,
    closed_spans,
    combine_figures,
    floor,
    hourly_figures,
    raw_spans,
)
from services.monitor.figures.excluded_time import merge_spans
from services.monitor.figures.uptime import Figures, Slot, total
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from tests.support.examples import examples

CHECK = UUID(int=1)
KEEP = 30 * DAY_US
START = 20_000 * DAY_US
EMPTY = Figures(start_us=0, end_us=0)
hour = st.integers(0, 24 * 5)


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Slot], list[tuple[int, int | None]], list[tuple[int, int]]]:
    """Results of a check over some days, with pauses, changes of interval, suspensions and maintenance."""
    slots: list[Slot] = []
    periods: list[tuple[int, int | None]] = []
    at = START + draw(st.integers(0, 2 * HOUR_US))
    for _ in range(draw(st.integers(1, 5))):
        interval = draw(st.sampled_from([5 * SECOND_US, MINUTE_US, 20 * MINUTE_US, HOUR_US, DAY_US]))
        begin = at
        at += draw(st.integers(1, interval))
        for _ in range(draw(st.integers(0, 12))):
            outcome = draw(st.sampled_from(list(Outcome)))
            count = draw(st.integers(1, 200)) if outcome is Outcome.MISSED else 1
            took = draw(st.integers(0, 10**7)) if outcome is Outcome.UP else None
            is_slow = outcome is Outcome.UP and draw(st.booleans())
            slots.append(
                Slot(slot_us=at, interval_us=interval, outcome=outcome, slot_count=count, total_us=took, slow=is_slow)
            )
            at += (count - 1) * interval + interval * draw(st.integers(1, 3))
        periods.append((begin, at))
        at += draw(st.sampled_from([0, 1, 40 * MINUTE_US, 30 * HOUR_US]))
    if draw(st.booleans()):
        periods[-1] = (periods[-1][0], None)
    moments = st.integers(START, at + HOUR_US)
    spans = draw(st.lists(st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair))), max_size=4))
    return slots, periods, merge_spans(spans)


Life = tuple[list[Slot], list[tuple[int, int | None]], list[tuple[int, int]]]


def read(life: Life, rolled: int, edges: Sequence[int]) -> CheckHistory:
    """As the store reads it: the results in the spans that only those tell of, and the last one before each."""
    slots, periods, off = life
    found: set[Slot] = set()
    spans = raw_spans(edges, rolled)
    for start, end in spans:
        found.update([slot for slot in slots if slot.slot_us < start][-1:])
        found.update(slot for slot in slots if start <= slot.slot_us < end)
    first = spans[0][0] if spans else edges[-1]
    return CheckHistory(
        rolled_us=rolled,
        slots=sorted(found),
        periods=[period for period in periods if period[1] is None or period[1] > first],
        off=[span for span in off if span[1] > first],
    )


@st.composite
def edges_of(draw: st.DrawFn) -> list[int]:
    """Where spans begin and end: at full hours or days, or anywhere."""
    anywhere = st.integers(0, 24 * 5 * HOUR_US)
    full = st.sampled_from([HOUR_US, DAY_US]).flatmap(lambda grain: anywhere.map(lambda at: floor(at, grain)))
    return [START + at for at in sorted(draw(st.lists(anywhere | full, min_size=2, max_size=7, unique=True)))]


@examples(300)
@given(lives(), edges_of(), hour, st.data())
def test_closed_hours_and_days_and_the_tail_are_the_same_as_all_raw_results(
    life: Life, edges: list[int], marked: int, data: st.DataObject
) -> None:
    now = edges[-1]
    mark = START + min(marked * HOUR_US, floor(now - START, HOUR_US))
    # Rolled up in steps that end anywhere; each reads again from the watermark on.
    rolled, by_hour = START, []
    while rolled < mark:
        until = rolled + HOUR_US * data.draw(st.integers(1, (mark - rolled) // HOUR_US))
        by_hour += hourly_figures(read(life, rolled, [rolled, until]), until)
        rolled = until
    by_day = [
        replace(total(some), start_us=day, end_us=day + DAY_US)
        for day in range(START, floor(mark, DAY_US), DAY_US)
        if (some := [each for each in by_hour if floor(each.start_us, DAY_US) == day])
    ]

    days, rest = closed_spans(CHECK, edges, mark)
    recorded = read(life, mark, edges)
    for spans, figures in ((days, by_day), (rest, by_hour)):
        recorded.closed.extend(
            (span.part, total([EMPTY, *some]))
            for span in spans
            if (some := [each for each in figures if span.start_us <= each.start_us < span.end_us])
        )
    found = combine_figures(recorded, edges, now)

    assert found == combine_figures(read(life, 0, edges), edges, now)
    assert sum(each.life_us for each in found) <= now - edges[0]
    assert all(0 <= each.up_us + each.down_us <= each.life_us for each in found)


@given(lives(), edges_of())
def test_parts_of_a_window_added_are_the_window(life: Life, edges: list[int]) -> None:
    raw, ends = read(life, 0, edges), [edges[0], edges[-1]]

    assert total(combine_figures(raw, edges, edges[-1])) == combine_figures(raw, ends, edges[-1])[0]


@given(edges_of(), hour)
def test_each_moment_is_told_once(edges: list[int], marked: int) -> None:
    mark = START + marked * HOUR_US
    days, rest = closed_spans(CHECK, edges, mark)
    raw = [
        (part, max(start, low), min(end, high))
        for part, (start, end) in enumerate(pairwise(edges))
        for low, high in raw_spans(edges, mark)
        if max(start, low) < min(end, high)
    ]
    closed = [(each.part, each.start_us, each.end_us) for each in (*days, *rest)]

    by_time = sorted((*raw, *closed), key=lambda told: told[1])
    for part, (start, end) in enumerate(pairwise(edges)):
        its = [(low, high) for of, low, high in by_time if of == part]
        assert (its[0][0], its[-1][1]) == (start, end)
        assert all(earlier[1] == later[0] for earlier, later in pairwise(its))
    assert all(low % HOUR_US == high % HOUR_US == 0 and high <= mark for _, low, high in closed)
    assert all(each.start_us % DAY_US == each.end_us % DAY_US == 0 for each in days)
    # No closed hour is read once more that lies in one span as a whole.
    assert all(ceiling(low, HOUR_US) >= floor(min(high, mark), HOUR_US) for _, low, high in raw)


def candidate(rolled: int, accounted: int, interval: int = MINUTE_US) -> Candidate:
    return Candidate(
        tenant_id=CHECK,
        service_id=CHECK,
        check_id=CHECK,
        rolled_us=START + rolled,
        accounted_us=START + accounted,
        interval_us=interval,
    )


def test_an_hour_is_closed_when_the_account_has_passed_it_and_not_before() -> None:
    now = START + 10 * HOUR_US

    assert close_until(candidate(0, HOUR_US - 2), now, KEEP) == START
    assert close_until(candidate(0, HOUR_US - 1), now, KEEP) == START + HOUR_US  # what comes is behind it
    assert close_until(candidate(0, 3 * HOUR_US + 5), now, KEEP) == START + 3 * HOUR_US


def test_an_hour_waits_until_the_clocks_of_all_have_passed_it() -> None:
    fast = candidate(0, 2 * HOUR_US)

    assert close_until(fast, START + HOUR_US, KEEP) == START
    assert close_until(fast, START + HOUR_US + 5 * MINUTE_US, KEEP) == START + HOUR_US


def test_what_stands_still_is_closed_before_its_results_are_dropped() -> None:
    paused = candidate(0, MINUTE_US)

    assert close_until(paused, START + 28 * DAY_US, KEEP) == START
    assert close_until(paused, START + 28 * DAY_US + HOUR_US, KEEP) == START + HOUR_US


def test_a_step_takes_as_many_as_it_can_bear_and_one_at_least() -> None:
    now = START + 5 * DAY_US
    backlog = [candidate(0, 5 * DAY_US) for _ in range(100)]
    chosen = choose_batch(backlog, now, KEEP)
    dense = choose_batch([candidate(0, 5 * DAY_US, 5 * SECOND_US)] * 9, now, KEEP)

    assert 1 < len(chosen) < 20
    assert sum((each.until_us - START) // MINUTE_US for each in chosen) < 14_000
    assert sum((each.until_us - START) // (5 * SECOND_US) for each in dense) < 14_000
    assert all(START < each.until_us <= START + 3 * HOUR_US for each in dense)
    assert len(choose_batch([candidate(0, HOUR_US)] * 200, now, KEEP)) == 200
