"""Sessions that ended while their access tokens still run: known to every service within a second.

LISTEN/NOTIFY brings them at once; a poll is the fallback, and a reconnect reads afresh (architecture.md § Trust). The
hot path asks a set in memory, never the database.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.common import logs
from services.common.errors import SentinelError
from services.common.store import CommonStore

CHANNEL = "session_ended"
# Behind the longest life of an access token, an ended session's tokens have expired by themselves.
KEEP = timedelta(minutes=20)
_POLL_S = 1.0
# A transaction that ended a session may commit a little after another with a later end_time.
_OVERLAP = timedelta(seconds=30)

_log = logs.get("ended_sessions")


class EndedSessions:
    """The sessions whose tokens are refused though they have not expired.

    Args:
        store: where they are recorded.
    """

    def __init__(self, store: CommonStore) -> None:
        self._store = store
        self._ended: dict[UUID, datetime] = {}
        self._changed = asyncio.Event()

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._ended

    def on_notify(self, payload: str) -> None:
        """A session ended just now; the payload is its id."""
        self._add(UUID(payload), datetime.now(UTC))

    async def wait_for_change(self) -> None:
        """Return when further sessions have ended."""
        await self._changed.wait()

    async def refresh(self) -> None:
        """Read all that ended lately, and forget what no token can refer to any more.

        Raises:
            Unavailable: the database is away.
        """
        now = datetime.now(UTC)
        self._ended = {session: ended for session, ended in self._ended.items() if ended > now - KEEP}
        newest = max(self._ended.values(), default=now - KEEP)
        for session, ended in await self._store.sessions_ended_since(newest - _OVERLAP):
            self._add(session, ended)

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                await self.refresh()
            except SentinelError:
                _log.debug("the database is away; ended sessions are not fresh")

    def _add(self, session_id: UUID, ended: datetime) -> None:
        if session_id not in self._ended:
            self._ended[session_id] = ended
            self._changed.set()
            self._changed = asyncio.Event()
