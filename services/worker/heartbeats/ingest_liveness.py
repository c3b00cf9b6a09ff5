"""Record when signals can be received: a job is not at fault for silence during an outage (semantics.md §9).

If no worker has recorded its liveness for some seconds, an outage begins at the last time that one did, and ends at the
next one. Readers of signals see it at once (store/heartbeats.py).
"""

import asyncio
from typing import TYPE_CHECKING

from services.platform import logs
from services.platform.errors import Unavailable

if TYPE_CHECKING:
    from services.worker.store.heartbeats import SignalIngestSql

# A fixed schedule, no retry: a longer gap is an outage (store/heartbeats.py).
_INTERVAL_S = 2.0
_log = logs.get("receiving")


class IngestLiveness:
    """A loop that records that this worker receives signals.

    Args:
        store: records it in PostgreSQL.
    """

    def __init__(self, store: "SignalIngestSql") -> None:
        self._store = store

    async def run(self) -> None:
        """Record liveness every 2 s, until cancelled."""
        while True:
            try:
                await self._store.record_liveness()
            except Unavailable:
                _log.debug("heartbeat signals cannot be received: database unavailable")
            await asyncio.sleep(_INTERVAL_S)
