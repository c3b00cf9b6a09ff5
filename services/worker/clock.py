"""The time that slots are run by: the database's, which all workers share (docs/adr/0015).

A machine's own clock may be wrong or be stepped; then a worker would run slots that are not due, or give up slots that
are. Between two looks at the database's clock ours goes on with the machine's monotonic clock, which nobody steps, so
it also goes on while the database is away.
"""

import time

from services.common import logs
from services.common.clock import SECOND_US, now_us

_log = logs.get("clock")
_NOTABLE_US = SECOND_US


def monotonic_us() -> int:
    """The machine's monotonic clock."""
    return time.monotonic_ns() // 1000


class SharedClock:
    """The database's clock, as far as we know it; the machine's until we do."""

    def __init__(self) -> None:
        self._ahead_us = now_us() - monotonic_us()
        self._seen = False

    def now_us(self) -> int:
        """The time, in microseconds since the Unix epoch."""
        return monotonic_us() + self._ahead_us

    def observe(self, database_us: int, asked_us: int, answered_us: int) -> None:
        """Learn what the database's clock showed at some moment between asking and answering.

        As long as what we know fits in between it is kept, so that the time does not jitter with the load.

        Args:
            database_us: what it showed.
            asked_us: our monotonic clock before the question.
            answered_us: our monotonic clock after the answer.
        """
        least, most = database_us - answered_us, database_us - asked_us
        if least <= self._ahead_us <= most:
            self._seen = True
            return
        ahead_us = (least + most) // 2
        if self._seen and abs(ahead_us - self._ahead_us) > _NOTABLE_US:
            _log.warning("the database's clock was stepped", seconds=(ahead_us - self._ahead_us) / SECOND_US)
        self._ahead_us, self._seen = ahead_us, True
