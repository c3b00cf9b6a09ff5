"""semantics.md §2, §7: a check that changed more than once before its worker hears owes the slots of each period."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.checks.grid import anchor_us, first_slot_at_or_after
from services.checks.specs.http import HttpSpec
from services.platform.clock import SECOND_US
from services.worker.dispatch import Dispatcher
from services.worker.kinds.http import HttpProbe
from services.worker.schedule import Period, Watermark
from tests.support.worker import a_scheduled_check

BASE = 1_790_000_000 * SECOND_US
INTERVALS = st.sampled_from([5, 10, 30]).map(lambda seconds: seconds * SECOND_US)
SPANS = st.integers(1, 120 * SECOND_US)


@given(st.uuids(), st.lists(st.tuples(SPANS, INTERVALS), min_size=3, max_size=5), SPANS)
def test_no_slot_of_any_period_is_left_out_when_a_worker_hears_late_of_several_changes(
    check_id: UUID, spans: list[tuple[int, int]], late_us: int
) -> None:
    periods, start = [], BASE
    for length, interval in spans:
        periods.append(Period(start, start + length, interval))
        start += length
    *former, last = periods
    known = a_scheduled_check(check_id, former[0].interval_us, since_us=former[0].start_us)
    dispatcher, now = Dispatcher(10, 10, 10), former[0].start_us
    dispatcher.hold(known, Watermark(now - 1), now)
    covered = []
    heard = last.start_us + late_us  # until then it runs the only grid that it knows
    while (following := dispatcher.next_us) is not None and following <= heard:
        (run,), all_missed = dispatcher.due(following)
        assert all_missed == []
        covered.append(run.slot_us)
        dispatcher.ended(run, known, following)

    changed = replace(known, settings=replace(known.settings, interval_us=last.interval_us), since_us=last.start_us)
    for missed_slots in dispatcher.hold(changed, Watermark(BASE - 1, tuple(former)), heard):
        missed = missed_slots.missed
        covered += [missed.first_us + number * missed.interval_us for number in range(missed.count)]

    following = dispatcher.next_us
    assert following is not None
    due = set()
    for period in [*former, replace(last, end_us=following)]:
        first = first_slot_at_or_after(anchor_us(check_id, period.interval_us), period.interval_us, period.start_us)
        due |= set(range(first, period.end_us, period.interval_us))
    assert due <= set(covered)


def test_a_probe_is_kept_until_its_check_changes() -> None:
    check = a_scheduled_check()
    dispatcher = Dispatcher(10, 10, 10)
    dispatcher.hold(check, Watermark(BASE), BASE)
    following = dispatcher.next_us
    assert following is not None
    (run,), _ = dispatcher.due(following)
    run.probe = probe = HttpProbe(HttpSpec(url="http://target.test/"))

    dispatcher.hold(replace(check), Watermark(BASE), following)
    assert run.probe is probe
    dispatcher.hold(replace(check, spec=HttpSpec(url="http://other.test/")), Watermark(BASE), following)
    assert run.probe is None
