"""A changed window: until now it was as it was, from now on it is as it says now."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.monitor.figures.excluded_time import merge_spans, spans_outside
from services.monitor.maintenance.recurrence import Span
from services.monitor.maintenance.window import Window, WindowDraft, changed_window, new_window, replan
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US
from services.platform.errors import Aborted, InvalidArgument
from services.platform.ids import new_id
from services.platform.security.audit import user_actor
from services.platform.security.origin import Origin

NOW = 20_000 * DAY_US
UNTIL = NOW + 30 * DAY_US
ACTOR = user_actor(new_id(), new_id(), Origin("192.0.2.1", "test", "request-1"))
DRAFT = WindowDraft(name="Upgrade", service_id=None, start_us=NOW + HOUR_US, duration_us=HOUR_US)
WINDOW = new_window(ACTOR, DRAFT, NOW)

durations = st.integers(MINUTE_US, 7 * DAY_US)


def windows(starts: st.SearchStrategy[int]) -> st.SearchStrategy[Window]:
    """Windows, once or daily, of one of two services."""
    services = st.sampled_from([WINDOW.id, WINDOW.tenant_id])
    rules = st.sampled_from(["", "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3"])
    return st.builds(
        lambda start, duration, rule, service: replace(
            WINDOW, start_us=start, duration_us=duration, rrule=rule, service_id=service
        ),
        starts,
        durations,
        rules,
        services,
    )


def covered(spans: list[Span], start: int, end: int) -> list[Span]:
    """The time in [start, end) that some spans cover."""
    return merge_spans((max(low, start), min(high, end)) for low, high in spans if max(low, start) < min(high, end))


def changed(before: Window, after: Window) -> list[Span]:
    """A window's spans after a change now, as the store makes them of its spans before."""
    spans = dict(before.spans(NOW - 20 * DAY_US, UNTIL))
    going_on = [start for start, end in spans.items() if start < NOW < end]
    planned = replan(after, going_on if after.service_id == before.service_id else [], NOW, UNTIL)
    left = {start: min(end, NOW) for start, end in spans.items() if start < NOW}
    return [*{**left, **planned.ends}.items(), *planned.added]


@given(windows(st.integers(NOW - 9 * DAY_US, NOW + DAY_US)), windows(st.integers(NOW - MINUTE_US, NOW + 9 * DAY_US)))
def test_a_change_rewrites_nothing_that_was_and_all_that_will_be(before: Window, after: Window) -> None:
    found = changed(before, after)

    old = before.spans(NOW - 20 * DAY_US, UNTIL)
    assert covered(found, 0, NOW) == covered(old, 0, NOW)
    new = after.spans(NOW - 20 * DAY_US, UNTIL)
    assert covered(found, NOW, UNTIL) == covered(new, NOW, UNTIL)
    assert all(start < end <= start + 7 * DAY_US for start, end in found)


@given(windows(st.integers(NOW - 9 * DAY_US, NOW + DAY_US)), durations)
def test_one_that_goes_on_lasts_longer_or_shorter_and_began_when_it_did(before: Window, duration: int) -> None:
    found = changed(before, replace(before, duration_us=duration))

    going_on = [(start, end) for start, end in before.spans(NOW - 20 * DAY_US, UNTIL) if start < NOW < end]
    assert all((start, max(NOW, start + duration)) in found for start, _ in going_on)


def test_of_another_service_it_begins_now() -> None:
    before = replace(WINDOW, start_us=NOW - HOUR_US, duration_us=3 * HOUR_US)

    assert changed(before, replace(before, service_id=new_id())) == [(NOW - HOUR_US, NOW), (NOW, NOW + 2 * HOUR_US)]


def test_what_is_over_and_made_longer_goes_on_from_now_and_leaves_the_gap() -> None:
    before = replace(WINDOW, start_us=NOW - 2 * HOUR_US, duration_us=HOUR_US)
    found = changed(before, replace(before, duration_us=3 * HOUR_US))

    assert spans_outside(merge_spans(found), NOW - 2 * HOUR_US, NOW + 2 * HOUR_US) == [
        (NOW - HOUR_US, NOW),
        (NOW + HOUR_US, NOW + 2 * HOUR_US),
    ]


def to(draft: WindowDraft) -> Callable[[Window], WindowDraft]:
    return lambda _: draft


def test_a_change_of_nothing_leaves_it_as_it_was_and_another_has_another_etag() -> None:
    same = changed_window(WINDOW, WINDOW.etag, to(DRAFT), NOW + 5)
    other = changed_window(WINDOW, "", to(replace(DRAFT, name="Move")), NOW - 5)

    assert same == WINDOW
    assert other.etag != WINDOW.etag
    assert (other.schedule, other.update_us) == (WINDOW.schedule, NOW + 1)


def test_another_etag_is_refused() -> None:
    with pytest.raises(Aborted) as refused:
        changed_window(WINDOW, "another", to(DRAFT), NOW)
    assert refused.value.reason == reasons.ERROR_REASON_ETAG_MISMATCH


def test_it_may_have_begun_in_the_past_and_not_begin_there_now() -> None:
    begun = replace(WINDOW, start_us=NOW - DAY_US)
    longer = changed_window(begun, "", to(replace(DRAFT, start_us=begun.start_us, duration_us=2 * DAY_US)), NOW)

    assert (longer.start_us, longer.duration_us) == (NOW - DAY_US, 2 * DAY_US)
    with pytest.raises(InvalidArgument) as refused:
        changed_window(begun, "", to(replace(DRAFT, start_us=NOW - HOUR_US)), NOW)
    assert [violation.field for violation in refused.value.violations] == ["window.start_time"]
    assert changed_window(begun, "", to(replace(DRAFT, start_us=None)), NOW).start_us == NOW
