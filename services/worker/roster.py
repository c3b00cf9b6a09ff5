"""The checks of this worker's shards, kept up to date (semantics.md §7).

A notification names what has changed within milliseconds. If one is lost, a poll finds changes by their time, and a
slower comparison of counts finds shards that differ. Only new shards are read as a whole, a few hundred checks at a
time, so that running checks are not delayed.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import islice
from typing import Protocol, TypeVar
from uuid import UUID

from services.checks.check_changes import CheckChange
from services.checks.grid import PAUSE_LIMIT_US
from services.platform import logs
from services.platform.clock import SECOND_US
from services.platform.errors import Unavailable
from services.platform.retry import DATABASE, Retry
from services.worker.clock import Reading, SharedClock, monotonic_us
from services.worker.engine import Engine
from services.worker.record import Recorder
from services.worker.schedule import ScheduledCheck, Watermark

_log = logs.get("roster")
_POLL_S = 5.0
_COUNT_EVERY_US = 30 * SECOND_US
# Changes have the time of the machine that made them, and are committed a little later.
_OVERLAP_US = 15 * SECOND_US
# Checks are taken in batches, so that the event loop runs other work in between.
_AT_ONCE = 250

Held = tuple[ScheduledCheck, Watermark]
Key = tuple[UUID, UUID]
"""A tenant and one of its checks."""
_T = TypeVar("_T")


class RosterStore(Protocol):
    """The database operations of the roster; a check is on while it is enabled and its tenant is not suspended."""

    def checks_of_shards(self, shards: Collection[int]) -> AsyncIterator[Sequence[Held]]:
        """Yield the checks of some shards that are on, with their accounts, in batches."""

    async def checks_by_key(self, keys: Collection[Key]) -> Sequence[Held]:
        """Return those of some checks that are on, with their accounts."""

    async def checks_of_tenants(self, tenants: Collection[UUID], shards: Collection[int]) -> Sequence[Key]:
        """Return some tenants' checks in some shards, on or off."""

    async def changed_since(self, since_us: int, shards: Collection[int]) -> Sequence[tuple[Key, int]]:
        """Return the checks of some shards that were changed at or after a time, with the time of the change."""

    async def counts(self, shards: Collection[int]) -> Mapping[int, int]:
        """Return the number of checks of each shard that are on; shards without any are omitted."""

    async def restart_grid(self, shards: Collection[int]) -> Reading:
        """Restart the grid of checks in some shards whose accounts are further ahead than the grid waits for.

        Their slots after now are no longer accounted for, and the results of these slots are deleted. Return a reading
        of the database's clock.
        """


class Roster:
    """Keeps the checks of the engine equal to those of the held shards in the database.

    Args:
        store: checks in PostgreSQL.
        engine: runs them.
        recorder: has to be flushed before accounts are read.
        clock: the clock of slots.
    """

    def __init__(self, store: RosterStore, engine: Engine, recorder: Recorder, clock: SharedClock) -> None:
        self._store = store
        self._engine = engine
        self._recorder = recorder
        self._clock = clock
        self._shards: frozenset[int] = frozenset()
        self._unread: set[int] = set()
        self._ahead: set[int] = set()
        self._restarts = clock.restarts
        self._changed: set[Key] = set()
        self._tenants: set[UUID] = set()
        self._seen: dict[Key, int] = {}
        self._looked_us = clock.now_us()
        self._counted_us: int | None = monotonic_us()
        self._wake = asyncio.Event()
        clock.on_step.append(lambda *_: self._wake.set())

    def on_notify(self, payload: str) -> None:
        """Mark a changed check for reading."""
        change = CheckChange.parse(payload)
        if change.shard in self._shards:
            self._changed.add((change.tenant_id, change.check_id))
            self._wake.set()

    def on_tenant_notify(self, payload: str) -> None:
        """Mark a suspended or resumed tenant for reading; the payload is its id."""
        self._tenants.add(UUID(payload))
        self._wake.set()

    async def on_connect(self) -> None:
        """Mark everything for reading, because notifications may have been lost."""
        self._counted_us = None
        self._wake.set()

    async def set_shards(self, shards: frozenset[int]) -> None:
        """Set the held shards; release the checks of others at once."""
        if self._shards - shards:
            for check in [check for check in self._engine.checks() if check.shard not in shards]:
                self._engine.release(check)
        self._unread = (self._unread | (shards - self._shards)) & shards
        self._shards = shards
        self._wake.set()

    async def run(self) -> None:
        """Follow changes until cancelled."""
        retry = Retry(DATABASE)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._follow()
            except Unavailable:
                self._wake.set()
                await retry.pause()
            else:
                retry.succeeded()

    async def _follow(self) -> None:
        """Read what is due; if the database is unavailable, it stays due."""
        if self._clock.restarts != self._restarts:
            # The held checks wait for slots that the grid does not wait for.
            self._restarts = self._clock.restarts
            for check in self._engine.checks():
                self._engine.release(check)
            self._unread |= self._shards
        if self._unread:
            with _taken(self._unread, frozenset(self._unread)) as shards:
                await self._read_shards(shards)
        if self._ahead:
            with _taken(self._ahead, frozenset(self._ahead)) as shards:
                self._clock.observe(await self._store.restart_grid(shards))
            self._unread |= shards & self._shards
            self._wake.set()
        await self._poll()
        while self._tenants:
            with _taken(self._tenants, frozenset(self._tenants)) as tenants:
                self._changed.update(await self._store.checks_of_tenants(tenants, self._shards))
                # Checks that are off now are not found, but were held.
                self._changed.update(
                    (check.tenant_id, check.id) for check in self._engine.checks() if check.tenant_id in tenants
                )
        while self._changed:
            with _taken(self._changed, frozenset(islice(self._changed, _AT_ONCE))) as changed:
                rows = await self._store.checks_by_key(changed)
            found = self._take(rows)
            for check in filter(None, map(self._engine.check, {check_id for _, check_id in changed} - found)):
                self._engine.retire(check)

    async def _read_shards(self, shards: frozenset[int]) -> None:
        # Runs from before a shard was lost, whose results are in memory, count as accounted.
        await self._recorder.flushed()
        seen: set[UUID] = set()
        with self._engine.paused() if self._engine.is_empty else nullcontext():
            async for rows in self._store.checks_of_shards(shards):
                seen |= self._take(rows)
                # They stay in memory; collecting garbage among them again and again is useless.
                gc.freeze()
        for check in self._engine.checks():
            if check.shard in shards and check.id not in seen:
                self._engine.retire(check)
        _log.debug("loaded the checks of shards", checks=len(seen), shards=len(shards))

    async def _poll(self) -> None:
        now_us = self._clock.now_us()
        # The clock may have been stepped back since.
        changes = await self._store.changed_since(min(self._looked_us, now_us) - _OVERLAP_US, self._shards)
        self._looked_us = now_us
        self._changed |= {key for key, change_us in changes if self._seen.get(key) != change_us}
        self._seen = dict(changes)
        if self._counted_us is None or monotonic_us() - self._counted_us > _COUNT_EVERY_US:
            counts = await self._store.counts(self._shards)
            self._counted_us = monotonic_us()
            self._unread |= {
                shard for shard in self._shards if counts.get(shard, 0) != self._engine.held_of_shard(shard)
            }
            if self._unread:
                self._wake.set()

    def _take(self, rows: Sequence[Held]) -> set[UUID]:
        """Schedule checks that were read and belong to held shards; return the ids that were read."""
        latest_us = self._clock.now_us() + PAUSE_LIMIT_US
        for check, watermark in rows:
            if check.shard not in self._shards:
                continue
            if watermark.slot_us > latest_us:
                self._engine.release(check)
                self._ahead.add(check.shard)
            else:
                self._engine.hold(check, watermark)
        return {check.id for check, _ in rows}


@contextmanager
def _taken(due: set[_T], part: frozenset[_T]) -> Iterator[frozenset[_T]]:
    """Remove a part from what is due before it is read, so that later changes are due again; restore it on failure."""
    due -= part
    try:
        yield part
    except BaseException:
        due |= part
        raise
