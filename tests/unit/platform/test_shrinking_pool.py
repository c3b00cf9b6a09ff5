"""Which connections of a pool are closed: those that nobody has needed, and never one that somebody needs."""

from hypothesis import given
from hypothesis import strategies as st

from services.platform.postgres.shrinking_pool import Surplus

WINDOW_S = 10.0


class Pool:
    """Connections, in use and idle, as a pool of SQLAlchemy has them."""

    def __init__(self) -> None:
        self.surplus = Surplus(WINDOW_S, 0.0)
        self.idle = self.used = 0

    def take(self) -> None:
        self.idle, self.used = max(0, self.idle - 1), self.used + 1
        self.surplus.taken(self.idle)

    def give_back(self, now_s: float) -> None:
        closes = self.surplus.closes_returned(self.idle, now_s)
        assert not closes or self.idle
        self.used -= 1
        self.idle += not closes

    def at_a_time(self, count: int, now_s: float) -> None:
        for _ in range(count):
            self.take()
        for _ in range(count):
            self.give_back(now_s)


@given(st.integers(1, 10), st.integers(1, 10))
def test_after_a_busy_moment_as_many_stay_as_are_used_at_a_time(busy: int, calm: int) -> None:
    pool = Pool()
    pool.at_a_time(busy, 0.0)
    for second in range(1, 41):
        pool.at_a_time(calm, float(second))
    assert pool.idle == calm


@given(st.lists(st.integers(1, 10), min_size=1, max_size=60))
def test_what_is_used_at_a_time_within_each_window_is_kept(counts: list[int]) -> None:
    pool = Pool()
    for second, count in enumerate(counts):
        pool.at_a_time(count, float(second))
        recent = counts[max(0, second - int(WINDOW_S) + 1) : second + 1]
        assert pool.idle >= max(1, min(recent))


def test_nothing_is_closed_within_the_first_window() -> None:
    pool = Pool()
    pool.at_a_time(8, 0.0)
    pool.at_a_time(1, WINDOW_S - 0.1)
    assert pool.idle == 8
