"""What was reported of heartbeats, read for many of them at once.

Nobody waits for the slot of a heartbeat as for an answer, so those that are due within a moment share one statement: a
worker with ten thousand of them asks the database some times a second.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from services.worker.heartbeats.heartbeat import Reported

if TYPE_CHECKING:
    from services.worker.store.heartbeats import SignalsSql

_GATHER_S = 0.05
Key = tuple[UUID, UUID]
"""A tenant and one of its checks."""


class Signals:
    """Reads signals.

    Args:
        store: where they are.
    """

    def __init__(self, store: "SignalsSql") -> None:
        self._store = store
        self._wanted: set[Key] = set()
        self._reading: asyncio.Task[Mapping[Key, Reported]] | None = None

    async def of(self, check: Key) -> Reported | None:
        """What was reported of a heartbeat, as of a moment behind the call; None when it is gone.

        Raises:
            Unavailable: the database is away.
        """
        self._wanted.add(check)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        # Others wait for it too, so nobody who gives up takes it with them.
        return (await asyncio.shield(self._reading)).get(check)

    async def _read(self) -> Mapping[Key, Reported]:
        await asyncio.sleep(_GATHER_S)
        wanted, self._wanted, self._reading = self._wanted, set(), None
        return await self._store.reported(wanted)
