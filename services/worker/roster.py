"""Which checks are mine: those of my shards, as they are now (semantics.md §7).

Notifications bring changes within milliseconds; a reconnect and a slow poll read everything afresh.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from services.common import logs
from services.common.check_changes import CheckChange
from services.common.errors import Unavailable
from services.worker.engine import Engine
from services.worker.record import Recorder
from services.worker.schedule import Account, ScheduledCheck

_log = logs.get("roster")
_POLL_S = 30.0
_RETRY_S = 0.5


class RosterStore(Protocol):
    """What the roster needs from the database."""

    async def checks_of_shards(self, shards: Collection[int]) -> Sequence[tuple[ScheduledCheck, Account]]:
        """All enabled checks of some shards, each with its account."""

    async def checks_by_id(self, ids: Collection[UUID]) -> Sequence[tuple[ScheduledCheck, Account]]:
        """Those of some checks that exist and are enabled, each with its account."""


class Roster:
    """Keeps the engine's checks equal to what the database holds for our shards.

    Args:
        store: where checks are.
        engine: runs them.
        recorder: what has to be written before a shard's accounts can be read.
    """

    def __init__(self, store: RosterStore, engine: Engine, recorder: Recorder) -> None:
        self._store = store
        self._engine = engine
        self._recorder = recorder
        self._shards: frozenset[int] = frozenset()
        self._changed: set[UUID] = set()
        self._read_all = False
        self._wake = asyncio.Event()

    def on_notify(self, payload: str) -> None:
        """A check was made, changed or deleted."""
        change = CheckChange.parse(payload)
        if change.shard in self._shards:
            self._changed.add(change.check_id)
            self._wake.set()

    def on_tenant_notify(self, _payload: str) -> None:
        """A tenant was suspended or goes on: rare enough to read everything afresh."""
        self._read_all = True
        self._wake.set()

    async def on_connect(self) -> None:
        """Notifications may have been lost: read everything afresh."""
        self._read_all = True
        self._wake.set()

    async def set_shards(self, shards: frozenset[int]) -> None:
        """Hold these shards from now on; what belongs to others is let go at once."""
        for check in [check for check in self._engine.held.values() if check.shard not in shards]:
            self._engine.release(check.id)
        if shards - self._shards:
            self._read_all = True
            self._wake.set()
        self._shards = shards

    async def run(self) -> None:
        """Follow changes until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._wake.wait(), _POLL_S)
            except TimeoutError:
                self._read_all = True
            self._wake.clear()
            try:
                await self._follow()
            except Unavailable:
                self._read_all = True
                self._wake.set()
                await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        changed, self._changed = self._changed, set()
        read_all, self._read_all = self._read_all, False
        if read_all:
            # What we ran before we lost a shard and still hold in memory counts as accounted.
            await self._recorder.flushed()
            shards = self._shards
            rows = await self._store.checks_of_shards(shards)
            gone = set(self._engine.held) - {check.id for check, _ in rows}
            _log.debug("read all checks", checks=len(rows), shards=len(shards))
        else:
            rows = await self._store.checks_by_id(changed)
            gone = changed - {check.id for check, _ in rows}
        for check_id in gone:
            self._engine.release(check_id)
        for check, account in rows:
            if check.shard in self._shards:
                self._engine.hold(check, account)
