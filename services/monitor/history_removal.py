"""Removal of the history of deleted checks: in the background, in bounded steps, in one process at a time."""

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from services.monitor.quarantine import Quarantine
from services.platform import logs
from services.platform.clock import now_us

if TYPE_CHECKING:
    from services.monitor.store.history import HistorySql

# A fixed schedule without retries: the next round does what a failed one did not.
_INTERVAL_S = 5.0
_BATCH_SIZE = 5_000
# The pause leaves the database time for urgent work.
_PAUSE_S = 0.05
_log = logs.get("history_removal")


class HistoryRemovalFailed(Exception):
    """The history of one check could not be removed; that of others was.

    Args:
        check_id: the check.
        reason: the error of the database.
    """

    def __init__(self, check_id: UUID, reason: str) -> None:
        super().__init__(reason)
        self.check_id = check_id


class HistoryRemoval:
    """A loop that removes the history of deleted checks. Each step is committed, so it can stop at any time.

    Args:
        store: the history in PostgreSQL.

    Attributes:
        quarantine: the checks in quarantine.
    """

    def __init__(self, store: "HistorySql") -> None:
        self._store = store
        self.quarantine = Quarantine("history_removal")

    async def run(self) -> None:
        """Remove history until cancelled."""
        while True:
            more = False
            with self.quarantine.tolerate_failures():
                more = await self._step(now_us())
            await asyncio.sleep(_PAUSE_S if more else _INTERVAL_S)

    async def _step(self, now: int) -> bool:
        try:
            return await self._store.remove_history(_BATCH_SIZE, self.quarantine.ids(now))
        except HistoryRemovalFailed as stays:
            self.quarantine.add(stays.check_id, now)
            _log.exception(
                "deleting the history of a check failed, quarantined for an hour", check_id=str(stays.check_id)
            )
            return True
