"""docs/adr/0034: slots go by the database's clock; the machine's own counts no more once it is known."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.clock import SECOND_US
from services.worker import clock
from services.worker.clock import Reading, SharedClock, monotonic_us
from tests.support.hand_clock import HandClock

HOUR_US = 3600 * SECOND_US
WALL_US = 1_790_000_000 * SECOND_US


@contextmanager
def standing_still() -> Iterator[HandClock]:
    """Both clocks of the machine stand still."""
    hand = HandClock()
    with pytest.MonkeyPatch.context() as patch:
        hand.rules(patch, clock)
        patch.setattr(clock, "now_us", lambda: WALL_US)
        yield hand


def test_until_the_database_was_asked_it_is_the_machines() -> None:
    with standing_still() as hand:
        ours = SharedClock()
        assert ours.now_us() == WALL_US
        hand.now_ns += 5_000
        assert ours.now_us() == WALL_US + 5  # the wall clock counts no more


@given(st.integers(-HOUR_US, HOUR_US), st.lists(st.tuples(st.integers(0, 50_000), st.floats(0, 1)), max_size=8))
def test_it_is_the_databases_within_half_a_round_trip(wrong_us: int, trips: list[tuple[int, float]]) -> None:
    with standing_still():
        ours = SharedClock()
        base = monotonic_us()
        truth = WALL_US + wrong_us - base
        for number, (trip_us, at) in enumerate(trips):
            asked = base + number * SECOND_US
            ours.observe(Reading(truth + asked + int(at * trip_us), asked, asked + trip_us))
            assert abs(ours.now_us() - monotonic_us() - truth) <= trip_us


def test_what_fits_what_is_known_moves_nothing() -> None:
    ours = SharedClock()
    ours.observe(Reading(10 * HOUR_US, 0, 10))
    ahead = ours._ahead_us
    ours.observe(Reading(10 * HOUR_US + 500, 0, 10_000))
    assert ours._ahead_us == ahead


def test_a_stepped_database_clock_is_followed() -> None:
    with standing_still():
        ours, now_us = SharedClock(), monotonic_us()
        ours.observe(Reading(now_us + HOUR_US, now_us, now_us + 10))
        ours.observe(Reading(now_us + 2 * HOUR_US, now_us, now_us + 10))
        assert ours.now_us() == now_us + 2 * HOUR_US - 5
