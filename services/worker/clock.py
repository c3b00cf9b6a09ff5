"""The clock of slots: the database's, which all workers share (docs/adr/0034).

A machine's own clock may be wrong or stepped; a worker would then run slots that are not due, or miss slots that are.
Between two readings of the database's clock, ours advances with the machine's monotonic clock, also while the database
is unavailable.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from services.checks.grid import PAUSE_LIMIT_US
from services.platform import logs
from services.platform.clock import SECOND_US, now_us

_log = logs.get("clock")
STEP_US = SECOND_US
"""A difference between the database's clock and its estimate above which the clock counts as stepped."""
# Skipped slots are found when a run that was in progress has ended, so at the latest after its timeout.
_MOST_STEPS = 16
# The schedule is checked at least this often. A slot that is due before the check, and is missed together with skipped
# slots of the same check, has the same reason.
_NOTICED_US = SECOND_US


def monotonic_us() -> int:
    """Return the machine's monotonic clock, in microseconds."""
    return time.monotonic_ns() // 1000


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of the database's clock, taken at some moment between question and answer.

    Attributes:
        database_us: the time of the database.
        asked_us: our monotonic clock before the question.
        answered_us: our monotonic clock after the answer.
    """

    database_us: int
    asked_us: int
    answered_us: int

    def steps_forward(self, ahead_us: int | None) -> bool:
        """Return whether the clock was stepped forward.

        Args:
            ahead_us: how far it was ahead of our monotonic clock before; None if unknown.
        """
        return ahead_us is not None and self.database_us - self.answered_us > ahead_us + STEP_US


class SharedClock:
    """The estimated clock of the database; the machine's clock before the first reading.

    Attributes:
        on_step: called after each step of the database's clock with the time before and after it.
        skipped: the spans that recent steps forward skipped, in order, each up to when the schedule notices.
        restarts: how often the clock was stepped back further than the grid waits for (PAUSE_LIMIT_US).
    """

    def __init__(self) -> None:
        self._ahead_us = now_us() - monotonic_us()
        self._seen = False
        self._latest_us = 0
        self.on_step: list[Callable[[int, int], None]] = []
        self.skipped: tuple[tuple[int, int], ...] = ()
        self.restarts = 0

    @property
    def ahead_us(self) -> int | None:
        """How far the database's clock is ahead of the monotonic clock; None before the first reading."""
        return self._ahead_us if self._seen else None

    def now_us(self) -> int:
        """Return the time, in microseconds since the Unix epoch."""
        return monotonic_us() + self._ahead_us

    def observe(self, reading: Reading) -> None:
        """Update the estimate from a reading.

        While the estimate is consistent with readings it is kept, so that the time does not jitter with the load.
        """
        least, most = reading.database_us - reading.answered_us, reading.database_us - reading.asked_us
        if least <= self._ahead_us <= most:
            self._seen = True
            return
        before_us, was_seen = self.now_us(), self._seen
        self._ahead_us, self._seen = (least + most) // 2, True
        if was_seen and abs(self.now_us() - before_us) > STEP_US:
            self._stepped(before_us, self.now_us())

    def _stepped(self, before_us: int, after_us: int) -> None:
        _log.warning("database clock was stepped", seconds=(after_us - before_us) / SECOND_US)
        # Several steps back in a short time add up to a large one.
        self._latest_us = max(self._latest_us, before_us)
        if after_us > before_us:
            self.skipped = (*self.skipped, (before_us, after_us + _NOTICED_US))[-_MOST_STEPS:]
        else:
            self.skipped = tuple((start, min(end, after_us)) for start, end in self.skipped if start < after_us)
            if self._latest_us - after_us > PAUSE_LIMIT_US:
                self._latest_us = after_us
                self.restarts += 1
        for react in self.on_step:
            react(before_us, after_us)
