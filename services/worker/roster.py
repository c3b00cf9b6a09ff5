"""Which checks are mine: those of my shards, as they are now (semantics.md §7).

A notification names what has changed within milliseconds. Should one be lost, a poll finds what was changed by its
time, and a slower one finds by numbers which shards are not as they should be. Only what a worker gets anew is read
whole, a few hundred checks at a time, so that what runs is not held up.
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
from services.worker.clock import Reading, SharedClock, monotonic_us
from services.worker.engine import Engine
from services.worker.record import Recorder
from services.worker.schedule import Account, ScheduledCheck

_log = logs.get("roster")
_POLL_S = 5.0
_COUNT_EVERY_US = 30 * SECOND_US
_RETRY_S = 0.5
# Changes bear the clock of the machine that made them, and are committed a little later than that.
_OVERLAP_US = 15 * SECOND_US
# So many checks are taken between two turns of the event loop.
_AT_ONCE = 250

Held = tuple[ScheduledCheck, Account]
Key = tuple[UUID, UUID]
"""A tenant and one of its checks."""
_T = TypeVar("_T")


class RosterStore(Protocol):
    """What the roster needs from the database; a check is on while it is enabled and its tenant is not suspended."""

    def checks_of_shards(self, shards: Collection[int]) -> AsyncIterator[Sequence[Held]]:
        """All checks of some shards that are on, each with its account, some at a time."""

    async def checks_by_key(self, keys: Collection[Key]) -> Sequence[Held]:
        """Those of some checks that are on, each with its account."""

    async def checks_of_tenants(self, tenants: Collection[UUID], shards: Collection[int]) -> Sequence[Key]:
        """Some tenants' checks of some shards, on or off."""

    async def changed_since(self, since_us: int, shards: Collection[int]) -> Sequence[tuple[Key, int]]:
        """The checks of some shards that were changed at or after a point in time, each with when that was."""

    async def counts(self, shards: Collection[int]) -> Mapping[int, int]:
        """How many checks of each shard are on; a shard without any is left out."""

    async def restart_grid(self, shards: Collection[int]) -> Reading:
        """Restart the grid of the checks of some shards whose accounts are further ahead than the grid waits for.

        Their slots after now are not accounted any more, and what was recorded of them is gone. Return what the
        database's clock showed.
        """


class Roster:
    """Keeps the engine's checks equal to what the database holds for our shards.

    Args:
        store: where checks are.
        engine: runs them.
        recorder: what has to be written before a shard's accounts can be read.
        clock: what changes are looked for by.
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
        """A check was made, changed or deleted."""
        change = CheckChange.parse(payload)
        if change.shard in self._shards:
            self._changed.add((change.tenant_id, change.check_id))
            self._wake.set()

    def on_tenant_notify(self, payload: str) -> None:
        """A tenant was suspended or goes on; the payload is its id."""
        self._tenants.add(UUID(payload))
        self._wake.set()

    async def on_connect(self) -> None:
        """Notifications may have been lost: look at once."""
        self._counted_us = None
        self._wake.set()

    async def set_shards(self, shards: frozenset[int]) -> None:
        """Hold these shards from now on; what belongs to others is let go at once."""
        if self._shards - shards:
            for check in [check for check in self._engine.checks() if check.shard not in shards]:
                self._engine.release(check)
        self._unread = (self._unread | (shards - self._shards)) & shards
        self._shards = shards
        self._wake.set()

    async def run(self) -> None:
        """Follow changes until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _POLL_S)
            self._wake.clear()
            try:
                await self._follow()
            except Unavailable:
                self._wake.set()
                await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        """Read what is due to be read; what cannot be read, since the database is away, stays due."""
        if self._clock.restarts != self._restarts:
            # What we hold waits for slots that the grid does not wait for.
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
                # What is off by now is not found, but was held.
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
        # What we ran before we lost a shard and still hold in memory counts as accounted.
        await self._recorder.flushed()
        seen: set[UUID] = set()
        with self._engine.holding_fire() if self._engine.is_empty else nullcontext():
            async for rows in self._store.checks_of_shards(shards):
                seen |= self._take(rows)
                # They stay; there is no use in looking among them for garbage again and again.
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
        """Hold what was read of our shards; answers what was read."""
        latest_us = self._clock.now_us() + PAUSE_LIMIT_US
        for check, account in rows:
            if check.shard not in self._shards:
                continue
            if account.slot_us > latest_us:
                self._engine.release(check)
                self._ahead.add(check.shard)
            else:
                self._engine.hold(check, account)
        return {check.id for check, _ in rows}


@contextmanager
def _taken(due: set[_T], part: frozenset[_T]) -> Iterator[frozenset[_T]]:
    """Take a part of what is due before it is read: what changes meanwhile is due again. Put it back if that fails."""
    due -= part
    try:
        yield part
    except BaseException:
        due |= part
        raise
