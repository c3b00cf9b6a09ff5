"""Retries: how long to pause before the next attempt, by exponential backoff with full jitter.

Each pause is drawn evenly between zero and a bound, which doubles with each failure in a row up to a longest one. What
failed at the same moment, such as all processes when the database goes away, does not come back at the same moment.

Every loop that repeats what failed pauses by this. A loop with a fixed schedule, which looks again whether or not the
last look failed, does not: its next look is its retry.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

# Any bound is reached by then, and a float ends at 2**1024.
_MOST_DOUBLINGS = 64


@dataclass(frozen=True, slots=True)
class Backoff:
    """The bounds of the pauses.

    Attributes:
        first_s: the longest that the pause after a first failure lasts.
        longest_s: the longest that any pause lasts.
    """

    first_s: float
    longest_s: float

    def pause_s(self, failures: int, draw: float) -> float:
        """Return the pause after some failures in a row.

        Args:
            failures: how many; at least 1.
            draw: a random number from 0 to 1.
        """
        doublings = min(failures - 1, _MOST_DOUBLINGS)
        return draw * min(self.longest_s, self.first_s * 2.0**doublings)


# The database is away. Everything that waits for it is back within two seconds of its return.
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
        """Begin with short pauses again."""
        self._failures = 0

    def failed_s(self) -> float:
        """Count a failure; return how long to pause before the next attempt."""
        self._failures += 1
        return self._backoff.pause_s(self._failures, self._draw())

    async def pause(self) -> None:
        """Count a failure, and pause."""
        await asyncio.sleep(self.failed_s())
