"""Reading of stored signals, for many heartbeats at once.

The slot of a heartbeat is not time-critical, so those that are due within a moment share one statement: a worker with
ten thousand of them queries the database some times a second.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from services.worker.heartbeats.heartbeat import HeartbeatReport

if TYPE_CHECKING:
    from services.worker.store.heartbeats import SignalsSql

_GATHER_S = 0.05
Key = tuple[UUID, UUID]
"""A tenant and one of its checks."""


class Signals:
    """A batched reader of signals.

    Args:
        store: reads signals from PostgreSQL.
    """

    def __init__(self, store: "SignalsSql") -> None:
        self._store = store
        self._wanted: set[Key] = set()
        self._reading: asyncio.Task[Mapping[Key, HeartbeatReport]] | None = None

    async def of(self, check: Key) -> HeartbeatReport | None:
        """Return the signals of a heartbeat, read after the call; None if it was deleted.

        Raises:
            Unavailable: the database is unavailable.
        """
        self._wanted.add(check)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        # Other callers wait for it too, so a cancelled caller must not cancel it.
        return (await asyncio.shield(self._reading)).get(check)

    async def _read(self) -> Mapping[Key, HeartbeatReport]:
        await asyncio.sleep(_GATHER_S)
        wanted, self._wanted, self._reading = self._wanted, set(), None
        return await self._store.reported(wanted)
