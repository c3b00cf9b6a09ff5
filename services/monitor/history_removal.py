"""What was recorded of deleted checks goes in the background: in bounded steps, in one place at a time."""

import asyncio
from typing import Protocol

from services.common import logs
from services.common.errors import Unavailable

_LOOK_EVERY_S = 5.0
_A_STEP = 5_000
# Between two steps the database has time for what is urgent.
_PAUSE_S = 0.05
_log = logs.get("history_removal")


class HistoryStore(Protocol):
    """What the removal needs from the database."""

    async def remove_history(self, most: int) -> bool:
        """Remove at most so many rows, unless another process is at it; whether more is left to do here."""


class HistoryRemoval:
    """Removes the history of deleted checks. What a step has removed stays removed, whenever the process ends.

    Args:
        store: where it is.
    """

    def __init__(self, store: HistoryStore) -> None:
        self._store = store

    async def run(self) -> None:
        """Remove until cancelled."""
        while True:
            more = False
            try:
                more = await self._store.remove_history(_A_STEP)
            except Unavailable:
                _log.debug("the database is away; removing history waits")
            await asyncio.sleep(_PAUSE_S if more else _LOOK_EVERY_S)
