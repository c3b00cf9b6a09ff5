"""Retries with exponential backoff and full jitter.

Each pause is drawn uniformly between zero and a bound, which doubles with each consecutive failure up to a maximum. So
processes that failed at the same moment, for example because the database became unavailable, retry at different times.

Every loop that repeats a failed operation uses these pauses. A loop with a fixed schedule does not: its next round,
which runs whether or not the last one failed, is the retry.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

# Every maximum is reached with this exponent, and a float overflows at 2**1024.
_MOST_DOUBLINGS = 64


@dataclass(frozen=True, slots=True)
class Backoff:
    """The bounds of the pauses.

    Attributes:
        first_s: the maximum pause after a first failure, in seconds.
        longest_s: the maximum of all pauses, in seconds.
    """

    first_s: float
    longest_s: float

    def pause_s(self, failures: int, draw: float) -> float:
        """Return the pause after some consecutive failures, in seconds.

        Args:
            failures: the number of consecutive failures; at least 1.
            draw: a random number from 0 to 1.
        """
        doublings = min(failures - 1, _MOST_DOUBLINGS)
        return draw * min(self.longest_s, self.first_s * 2.0**doublings)


# For an unavailable database: all loops retry within two seconds after it is available again.
DATABASE = Backoff(first_s=0.5, longest_s=2.0)


class Retry:
    """Counts the failures of one loop, and pauses after each.

    Args:
        backoff: the bounds of the pauses.
        draw: returns a random number from 0 to 1.
    """

    def __init__(self, backoff: Backoff, draw: Callable[[], float] = random.random) -> None:
        self._backoff = backoff
        self._draw = draw
        self._failures = 0

    def succeeded(self) -> None:
        """Reset the count of failures, so that pauses are short again."""
        self._failures = 0

    def failed_s(self) -> float:
        """Count a failure; return the pause before the next attempt, in seconds."""
        self._failures += 1
        return self._backoff.pause_s(self._failures, self._draw())

    async def pause(self) -> None:
        """Count a failure, and pause."""
        await asyncio.sleep(self.failed_s())
