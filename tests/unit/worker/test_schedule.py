"""semantics.md §1 to §4: every slot comes up once, in order; what is too late is missed, never replayed."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.common.clock import SECOND_US
from services.common.grid import anchor_us, lateness_us
from services.common.spec import HttpSpec
from services.worker.schedule import Schedule, ScheduledCheck, go_on

intervals = st.sampled_from([5, 7, 10, 30, 60, 3600]).map(lambda seconds: seconds * SECOND_US)
moments = st.integers(1_700_000_000 * SECOND_US, 1_700_010_000 * SECOND_US)


def check(check_id: UUID, interval_us: int) -> ScheduledCheck:
    spec = HttpSpec("http://target.test/")
    return ScheduledCheck(UUID(int=1), UUID(int=2), check_id, 0, spec, interval_us, interval_us // 2, 2, 1, 0)


@given(st.uuids(), intervals, moments, st.integers(-7200 * SECOND_US, 7200 * SECOND_US))
def test_going_on_accounts_for_every_slot_between_the_last_one_and_the_next(
    check_id: UUID, interval: int, accounted: int, gap: int
) -> None:
    now = accounted + gap
    missed, following = go_on(check(check_id, interval), accounted, (), now)

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


@given(st.lists(st.tuples(st.uuids(), st.integers(0, 1000)), max_size=40), st.integers(0, 1000))
def test_due_checks_come_soonest_first_and_each_once(entries: list[tuple[UUID, int]], now: int) -> None:
    schedule = Schedule()
    last: dict[UUID, int] = {}
    for check_id, slot in entries:
        schedule.put(check(check_id, 5 * SECOND_US), slot)
        last[check_id] = slot

    popped = []
    while (due := schedule.pop_due(now)) is not None:
        popped.append((due[1], due[0].id))

    assert [slot for slot, _ in popped] == sorted(slot for slot, _ in popped)
    assert sorted(popped) == sorted((slot, check_id) for check_id, slot in last.items() if slot <= now)
    assert len(schedule) == len(last) - len(popped)


def test_a_discarded_check_never_comes_up() -> None:
    schedule = Schedule()
    kept, gone = check(UUID(int=7), 5 * SECOND_US), check(UUID(int=8), 5 * SECOND_US)
    schedule.put(gone, 1)
    schedule.put(kept, 2)
    schedule.discard(gone.id)

    assert schedule.next_us == 2
    assert schedule.pop_due(10) == (kept, 2)
    assert schedule.pop_due(10) is None
    assert schedule.next_us is None


@given(
    st.uuids(),
    intervals,
    moments,
    st.lists(st.integers(1, 600 * SECOND_US), min_size=2, max_size=6).map(lambda steps: steps[: len(steps) // 2 * 2]),
    st.integers(0, 600 * SECOND_US),
)
def test_slots_of_a_time_in_which_a_check_was_off_are_nobodys_and_all_others_are_accounted_for(
    check_id: UUID, interval: int, accounted: int, steps: list[int], gap: int
) -> None:
    edges = [accounted + sum(steps[: number + 1]) for number in range(len(steps))]
    off = list(zip(edges[::2], edges[1::2], strict=True))
    now = edges[-1] + gap
    missed, following = go_on(check(check_id, interval), accounted, off, now)

    anchor = anchor_us(check_id, interval)
    first = accounted + 1 + (anchor - accounted - 1) % interval
    due = {slot for slot in range(first, following, interval) if not any(start <= slot < end for start, end in off)}
    told = [each.first_us + number * interval for each in missed for number in range(each.count)]
    assert sorted(told) == sorted(due)
    assert following >= off[-1][1]
    assert (following - anchor) % interval == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 100))), st.sets(st.integers(0, 9)), st.integers(0, 100))
def test_what_is_due_is_counted_once_a_check(puts: list[tuple[int, int]], gone: set[int], now_us: int) -> None:
    schedule, checks = Schedule(), [check(UUID(int=number), 10 * SECOND_US) for number in range(10)]
    for number, slot_us in puts:
        schedule.put(checks[number], slot_us)
    for number in gone:
        schedule.discard(checks[number].id)

    waiting = {number: slot_us for number, slot_us in puts if number not in gone}
    assert schedule.due(now_us) == sum(slot_us <= now_us for slot_us in waiting.values())
