"""Detection of steps of the machine's wall clock, for tests that compare its times with those of the database."""

import time

_NOTABLE_S = 0.5
_HOUR_S = 3_600.0
_CLOSED_AFTER_S = 600.0  # services/monitor/figures/buckets.py
_LONGEST_TEST_S = 30.0


def begin_well_within_the_hour() -> None:
    """Wait if an hour ends soon, or the ten minutes after which it counts as closed, for tests of figures by the hour.

    Such a test computes what it expects from the time at its beginning, and the product from the time of each call.
    """
    left_s = min((edge - time.time()) % _HOUR_S for edge in (0, _CLOSED_AFTER_S))
    if left_s < _LONGEST_TEST_S:
        time.sleep(left_s)


class WallClock:
    """The wall clock, compared with the monotonic clock."""

    def __init__(self) -> None:
        self._ahead_s = _ahead_s()

    def assert_not_stepped(self) -> None:
        """Fail if the wall clock was stepped since this was created: the test can then give no verdict."""
        step_s = _ahead_s() - self._ahead_s
        assert abs(step_s) < _NOTABLE_S, f"the machine's wall clock was stepped by {step_s:+.3f} s during the test"


def _ahead_s() -> float:
    return time.time() - time.monotonic()
