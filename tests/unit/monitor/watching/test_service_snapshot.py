"""semantics.md §12, §13: what a service is shown as, since when, and when time alone changes that."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import Outcome
from services.checks.state import CheckState, Track, advance, known_state
from services.monitor.model import Service, ServiceState
from services.monitor.service_state import count_checks, service_state
from services.monitor.services import ServiceFilter
from services.monitor.watching.service_snapshot import RecordedCheck, RecordedService, next_change_us, service_snapshot
from services.platform.clock import SECOND_US

STEP = 10 * SECOND_US
SHOP = Service(
    tenant_id=UUID(int=1),
    id=UUID(int=2),
    name="Shop",
    url="https://shop.test",
    description="sells",
    labels={"team": "web"},
    create_us=0,
    update_us=0,
)
OUTCOMES = st.lists(st.sampled_from(Outcome), max_size=12)


def a_check(history: Sequence[Outcome], name: str = "home") -> RecordedCheck:
    """A check whose slots since 1 STEP ended so; DOWN after two failures, UP after one pass."""
    track = Track()
    for number, outcome in enumerate(history, 1):
        track = advance(track, number * STEP, outcome, 2, 1)
    return RecordedCheck(name, STEP, track)


def shop(*checks: RecordedCheck, maintenance: Sequence[tuple[int, int]] = ()) -> RecordedService:
    return RecordedService(SHOP, 0, checks, maintenance)


def state_at(histories: Sequence[Sequence[Outcome]], now: int) -> ServiceState:
    """What a service is in at a moment, by all that had been recorded by then."""
    states = []
    for history in histories:
        check = a_check(history[: now // STEP])
        states.append(known_state(check.track, STEP, now)[0])
    return service_state(count_checks(states))


@given(st.lists(OUTCOMES, max_size=3), st.integers(0, 16 * STEP))
def test_a_service_is_in_the_state_that_all_its_results_so_far_make(histories: list[list[Outcome]], now: int) -> None:
    shown = service_snapshot(shop(*(a_check(history[: now // STEP]) for history in histories)), now)
    assert shown.state is state_at(histories, now)
    assert (shown.state_us or 0) <= now
    assert shown.state_us is not None or shown.state in {ServiceState.PAUSED, ServiceState.UNKNOWN}


@given(
    st.lists(st.lists(st.sampled_from([Outcome.UP, Outcome.DOWN]), min_size=12, max_size=12), min_size=1, max_size=3)
)
def test_it_was_in_its_state_at_every_slot_since_it_says_so(histories: list[list[Outcome]]) -> None:
    """With a threshold of one, so that what a slot ended as is what the check is in from then on."""
    checks = []
    for history in histories:
        track = Track()
        for number, outcome in enumerate(history, 1):
            track = advance(track, number * STEP, outcome, 1, 1)
        checks.append(RecordedCheck("home", STEP, track))
    shown = service_snapshot(shop(*checks), 12 * STEP)
    assert shown.state_us is not None
    for number in range(shown.state_us // STEP, 13):
        states = [CheckState(history[number - 1]) for history in histories]
        assert service_state(count_checks(states)) is shown.state


UP, DOWN, MISSED = Outcome.UP, Outcome.DOWN, Outcome.MISSED


@pytest.mark.parametrize(
    ("histories", "now", "state", "since"),
    [
        ([[UP, UP, UP]], 3, ServiceState.UP, 1),
        ([[UP, DOWN, DOWN]], 3, ServiceState.DOWN, 2),
        ([[UP, DOWN, DOWN, DOWN], [UP, UP, UP, UP]], 4, ServiceState.DEGRADED, 2),
        ([[DOWN, DOWN, DOWN, DOWN], [DOWN, DOWN, DOWN, UP]], 4, ServiceState.DEGRADED, 4),
        ([[UP, UP, DOWN, DOWN, DOWN], [DOWN, DOWN, DOWN, DOWN, DOWN]], 5, ServiceState.DOWN, 3),
        ([[UP, UP, UP, UP], [DOWN, DOWN, UP, UP]], 4, ServiceState.UP, 3),
        # Nobody knows of the second any more: it was DOWN until then.
        ([[UP] * 6, [DOWN, DOWN, MISSED, MISSED, MISSED, MISSED]], 6, ServiceState.UP, 4),
        # And here it was UP, so that nobody knows changes nothing.
        ([[UP] * 6, [UP, UP, MISSED, MISSED, MISSED, MISSED]], 6, ServiceState.UP, 1),
        ([[UP, MISSED, MISSED, MISSED]], 4, ServiceState.UNKNOWN, 3),
        ([[MISSED, MISSED]], 2, ServiceState.UNKNOWN, None),
        ([], 2, ServiceState.PAUSED, None),
    ],
)
def test_since_when_a_service_is_in_its_state(
    histories: list[list[Outcome]], now: int, state: ServiceState, since: int | None
) -> None:
    shown = service_snapshot(shop(*map(a_check, histories)), now * STEP + 1)
    assert (shown.state, shown.state_us) == (state, None if since is None else since * STEP)


def test_a_pause_counts_since_what_was_paused_had_a_say_before() -> None:
    paused = replace(a_check([UP] * 5), pause_us=4 * STEP)
    shown = service_snapshot(shop(a_check([UP, DOWN, DOWN, DOWN, DOWN]), paused), 5 * STEP)
    assert (shown.state, shown.state_us) == (ServiceState.DOWN, 4 * STEP)
    alone = service_snapshot(shop(paused), 5 * STEP)
    assert (alone.state, alone.state_us, alone.reason) == (ServiceState.PAUSED, 4 * STEP, "no check is enabled")


def test_inside_a_window_it_is_in_maintenance_since_the_first_that_goes_on_began() -> None:
    spans = [(3 * STEP, 9 * STEP), (2 * STEP, 6 * STEP), (1, 2), (8 * STEP, 9 * STEP)]
    shown = service_snapshot(shop(a_check([UP]), maintenance=spans), 4 * STEP)
    assert (shown.state, shown.state_us) == (ServiceState.MAINTENANCE, 2 * STEP)


SPANS = st.lists(
    st.tuples(st.integers(0, 20 * STEP), st.integers(1, 5 * STEP)).map(lambda span: (span[0], sum(span))), max_size=2
)


@given(st.lists(OUTCOMES, max_size=3), SPANS, st.integers(0, 20 * STEP), st.integers(1, 20 * STEP))
def test_until_its_next_move_a_service_is_shown_as_the_same(
    histories: list[list[Outcome]], spans: list[tuple[int, int]], now: int, later: int
) -> None:
    recorded = shop(*map(a_check, histories), maintenance=spans)
    move_us = next_change_us([recorded], now)
    if move_us is None or now + later < move_us:
        assert service_snapshot(recorded, now + later) == service_snapshot(recorded, now)
    else:
        assert move_us > now


def test_what_becomes_stale_moves_at_that_moment() -> None:
    recorded = shop(a_check([UP]))
    move_us = next_change_us([recorded], STEP)
    assert move_us == 3 * STEP + 1
    assert service_snapshot(recorded, move_us - 1).state is ServiceState.UP
    assert service_snapshot(recorded, move_us).state is ServiceState.UNKNOWN


def test_whatever_is_shown_differently_has_another_mark() -> None:
    shown = service_snapshot(shop(a_check([UP, DOWN, DOWN])), 3 * STEP)
    others = [
        service_snapshot(replace(shop(a_check([UP, DOWN, DOWN])), open_incidents=1), 3 * STEP),
        service_snapshot(shop(a_check([UP, DOWN, DOWN], name="shop")), 3 * STEP),
        service_snapshot(shop(a_check([UP, UP, DOWN, DOWN])), 4 * STEP),
        service_snapshot(shop(a_check([UP, DOWN, DOWN])), 6 * STEP),
        service_snapshot(replace(shop(a_check([UP, DOWN, DOWN])), service=replace(SHOP, update_us=1)), 3 * STEP),
        service_snapshot(replace(shop(a_check([UP, DOWN, DOWN])), service=replace(SHOP, id=UUID(int=3))), 3 * STEP),
    ]
    assert len({shown.fingerprint, *(each.fingerprint for each in others)}) == 1 + len(others)
    assert shown.state is ServiceState.DOWN
    assert shown.fingerprint == service_snapshot(shop(a_check([UP, DOWN, DOWN])), 4 * STEP).fingerprint


@pytest.mark.parametrize(
    ("wanted", "admits"),
    [
        (ServiceFilter(), True),
        (ServiceFilter(labels=(("team", None),)), True),
        (ServiceFilter(labels=(("team", "web"),)), True),
        (ServiceFilter(labels=(("team", "api"),)), False),
        (ServiceFilter(labels=(("team", "web"), ("tier", None))), False),
        (ServiceFilter(text="SHO"), True),
        (ServiceFilter(text="shop.TEST"), True),
        (ServiceFilter(text="sells"), True),
        (ServiceFilter(text="buys"), False),
        (ServiceFilter(labels=(("team", "api"),), text="shop"), False),
    ],
)
def test_a_filter_admits_who_meets_all_of_it(wanted: ServiceFilter, admits: bool) -> None:
    assert wanted.admits(SHOP) is admits


def test_a_check_that_is_paused_or_unknown_becomes_nothing_by_itself() -> None:
    paused = replace(a_check([UP]), pause_us=STEP)
    assert paused.current_state(9 * STEP).state is CheckState.PAUSED
    assert next_change_us([shop(paused, a_check([MISSED]))], 0) is None
