"""semantics.md §1 to §4: every slot comes up once, in order; what is too late is missed, never replayed."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.checks.grid import anchor_us, first_slot_at_or_after, lateness_us
from services.platform.clock import SECOND_US
from services.worker.dispatch import Run
from services.worker.schedule import MissedRange, Period, Schedule, Watermark, next_slot
from tests.support.worker import a_scheduled_check

intervals = st.sampled_from([5, 7, 10, 30, 60, 3600]).map(lambda seconds: seconds * SECOND_US)
moments = st.integers(1_700_000_000 * SECOND_US, 1_700_010_000 * SECOND_US)
pieces = st.lists(st.integers(1, 600 * SECOND_US), min_size=2, max_size=6).map(lambda each: each[: len(each) // 2 * 2])


def told(missed: list[MissedRange]) -> list[int]:
    return [each.first_us + number * each.interval_us for each in missed for number in range(each.count)]


def grid(check_id: UUID, interval: int, start: int, end: int) -> list[int]:
    return list(range(first_slot_at_or_after(anchor_us(check_id, interval), interval, start), end, interval))


@given(st.uuids(), intervals, moments, st.integers(-7200 * SECOND_US, 7200 * SECOND_US))
def test_going_on_accounts_for_every_slot_between_the_last_one_and_the_next(
    check_id: UUID, interval: int, accounted: int, gap: int
) -> None:
    now = accounted + gap
    missed, following = next_slot(a_scheduled_check(check_id, interval), Watermark(accounted), now)

    on_grid = (following - anchor_us(check_id, interval)) % interval == 0
    assert on_grid
    if not missed:
        assert accounted < following <= accounted + interval
        assert now - following <= lateness_us(interval)
    else:
        (only,) = missed
        assert accounted < only.first_us <= accounted + interval
        assert only.first_us + only.count * interval == following
        assert now - only.first_us > lateness_us(interval)
        assert now <= following < now + interval


@given(st.uuids(), intervals, moments, pieces, st.integers(0, 600 * SECOND_US))
def test_slots_of_a_time_in_which_a_check_was_off_are_nobodys_and_all_others_are_accounted_for(
    check_id: UUID, interval: int, accounted: int, steps: list[int], gap: int
) -> None:
    edges = [accounted + sum(steps[: number + 1]) for number in range(len(steps))]
    off = tuple(zip(edges[::2], edges[1::2], strict=True))
    now = edges[-1] + gap
    missed, following = next_slot(a_scheduled_check(check_id, interval), Watermark(accounted, (), off), now)

    due = [
        slot
        for slot in grid(check_id, interval, accounted + 1, following)
        if not any(start <= slot < end for start, end in off)
    ]
    assert told(missed) == due
    assert not any(start <= following < end for start, end in off)
    assert (following - anchor_us(check_id, interval)) % interval == 0


@given(st.uuids(), moments, pieces, st.lists(intervals, min_size=4, max_size=4), st.integers(0, 600 * SECOND_US))
def test_what_is_left_of_former_periods_is_missed_on_their_own_grids(
    check_id: UUID, accounted: int, steps: list[int], kept: list[int], gap: int
) -> None:
    """Paused, resumed, given another interval: each slot belongs to the period that it lies in."""
    edges = [accounted - steps[0], *(accounted + sum(steps[1 : number + 1]) for number in range(1, len(steps)))]
    former = tuple(
        Period(start, end, interval) for start, end, interval in zip(edges[::2], edges[1::2], kept, strict=False)
    )
    since, interval = edges[-1] + 1, kept[-1]
    now = since + gap
    missed, following = next_slot(
        a_scheduled_check(check_id, interval, since_us=since), Watermark(accounted, former), now
    )

    due = [
        slot
        for period in former
        for slot in grid(check_id, period.interval_us, max(period.start_us, accounted + 1), period.end_us)
    ]
    assert told(missed) == due + grid(check_id, interval, since, following)
    assert following >= since


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1000)), max_size=40), st.integers(0, 1000))
def test_what_is_due_comes_soonest_first_and_each_once(entries: list[tuple[int, int]], now: int) -> None:
    schedule = Schedule()
    waiters = [Run(a_scheduled_check(UUID(int=name))) for name in range(10)]
    last: dict[int, int] = {}
    for name, slot in entries:
        schedule.put(waiters[name], slot)
        last[name] = slot

    assert schedule.next_us == min(last.values(), default=None)
    popped = []
    while (due := schedule.pop_due(now)) is not None:
        popped.append(due)

    assert [each.slot_us for each in popped] == sorted(slot for slot in last.values() if slot <= now)
    assert {each.check.id.int: each.slot_us for each in popped} == {
        name: slot for name, slot in last.items() if slot <= now
    }
    assert schedule.next_us == min((slot for slot in last.values() if slot > now), default=None)
