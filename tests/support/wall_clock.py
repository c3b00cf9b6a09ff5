"""Detection of steps of the machine's wall clock, for tests that compare its times with those of the database."""

import time

_NOTABLE_S = 0.5


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
