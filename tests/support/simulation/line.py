"""The connection between simulated workers and their database: it takes time, is cut, and loses answers."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.platform.errors import Unavailable

# Now and then slow, so that what follows overtakes it.
TRIPS_S = (0.002, 0.002, 0.002, 0.6)
_PATIENCE_S = 5.0
_LOOK_AGAIN_S = 0.1


class Line:
    """The connection, which all workers share.

    Args:
        trips_s: how long one way may take.

    Attributes:
        away: how the database is away: "refusing", "silent", or not at all.
        answers_to_lose: how many of the next answers never arrive; what was asked is done.
    """

    def __init__(self, trips_s: Sequence[float] = TRIPS_S) -> None:
        self.away = ""
        self.answers_to_lose = 0
        self._trips_s = trips_s

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[float]:
        """Go to the database, let it do what it is asked, and come back; yield how long one way takes.

        Raises:
            Unavailable: it is away, or the answer was lost.
        """
        trip_s = random.choice(self._trips_s)  # noqa: S311 — not a secret
        await self._go(trip_s)
        yield trip_s
        await self.answer(trip_s)

    async def answer(self, trip_s: float) -> None:
        """Come back with a part of an answer.

        Raises:
            Unavailable: the database is away, or the answer was lost.
        """
        await self._go(trip_s)
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            raise Unavailable

    async def _go(self, trip_s: float) -> None:
        """Take one way, once the connection is available."""
        if self.away == "refusing":
            raise Unavailable
        await asyncio.sleep(trip_s)
        give_up_s = asyncio.get_running_loop().time() + _PATIENCE_S
        while self.away:
            if self.away == "refusing" or asyncio.get_running_loop().time() > give_up_s:
                raise Unavailable
            await asyncio.sleep(_LOOK_AGAIN_S)
