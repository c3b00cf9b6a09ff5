"""Says now and then that signals are taken: silence while nobody could take them is not a job's (semantics.md §9).

When nobody has said so for a while, the last time that somebody did begins an outage, and the next one ends it. Whoever
reads signals meanwhile sees it at once (store/heartbeats.py).
"""

import asyncio
from typing import TYPE_CHECKING

from services.platform import logs
from services.platform.errors import Unavailable

if TYPE_CHECKING:
    from services.worker.store.heartbeats import ReceptionSql

_EVERY_S = 2.0
_log = logs.get("receiving")


class Receiving:
    """Says it.

    Args:
        store: where.
    """

    def __init__(self, store: "ReceptionSql") -> None:
        self._store = store

    async def run(self) -> None:
        """Say it until cancelled."""
        while True:
            try:
                await self._store.note_receiving()
            except Unavailable:
                _log.debug("heartbeat signals cannot be received: database unavailable")
            await asyncio.sleep(_EVERY_S)
