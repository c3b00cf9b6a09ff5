"""docs/adr/0015: slots go by the database's clock; the machine's own counts no more once it is known."""

from hypothesis import given
from hypothesis import strategies as st

from services.common.clock import SECOND_US, now_us
from services.worker.clock import SharedClock, monotonic_us

HOUR_US = 3600 * SECOND_US


def test_until_the_database_was_asked_it_is_the_machines() -> None:
    assert abs(SharedClock().now_us() - now_us()) < SECOND_US


@given(st.integers(-HOUR_US, HOUR_US), st.lists(st.tuples(st.integers(0, 50_000), st.floats(0, 1)), max_size=8))
def test_it_is_the_databases_within_half_a_round_trip(wrong_us: int, trips: list[tuple[int, float]]) -> None:
    ours = SharedClock()
    base = monotonic_us()
    truth = now_us() + wrong_us - base
    for number, (trip_us, at) in enumerate(trips):
        asked = base + number * SECOND_US
        ours.observe(truth + asked + int(at * trip_us), asked, asked + trip_us)
        assert abs(ours.now_us() - monotonic_us() - truth) <= trip_us + 2_000


def test_what_fits_what_is_known_moves_nothing() -> None:
    ours = SharedClock()
    ours.observe(10 * HOUR_US, 0, 10)
    ahead = ours._ahead_us
    ours.observe(10 * HOUR_US + 500, 0, 10_000)
    assert ours._ahead_us == ahead


def test_a_stepped_database_clock_is_followed() -> None:
    ours = SharedClock()
    ours.observe(monotonic_us() + HOUR_US, monotonic_us(), monotonic_us() + 10)
    ours.observe(monotonic_us() + 2 * HOUR_US, monotonic_us(), monotonic_us() + 10)
    assert abs(ours.now_us() - monotonic_us() - 2 * HOUR_US) < SECOND_US
