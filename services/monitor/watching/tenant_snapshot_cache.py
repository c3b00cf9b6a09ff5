"""The snapshot caches of one process: the states of all services of each tenant that has a stream here.

A notification causes a read of what changed. All services of a tenant are read when any of them may have changed: a
window began or ended, or a check became stale (semantics.md §12). They are also read periodically, because a
notification may be lost. All readers of a tenant share its cache.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from services.checks.service_changes import ServiceChange
from services.monitor.watching.service_snapshot import RecordedService, TenantSnapshot, next_change_us, service_snapshot
from services.monitor.watching.watcher import Watcher
from services.platform import logs
from services.platform.clock import SECOND_US, now_us
from services.platform.errors import Unavailable
from services.platform.retry import Backoff, Retry
from services.platform.rpc.stream_guard import EndReason

if TYPE_CHECKING:
    from services.monitor.store.snapshots import SnapshotSql

_log = logs.get("board")
_POLL_S = 15.0
# Without the database states grow stale, which is shown at each attempt.
_BACKOFF = Backoff(first_s=1.0, longest_s=2.0)
# Limits of reading: a cache at most this often, and all services of a tenant in at most a fifth of the time.
_MIN_INTERVAL_S = 0.2
_REST_FACTOR = 4
# For more services than this a read of all services is cheaper.
_MOST_CHANGED = 500
# Stale checks are read a moment later, so that those that become stale soon after are included.
_STALE_MARGIN_S = 0.1
# Services are processed in batches, so that the event loop runs other work in between.
_AT_ONCE = 200


class TenantSnapshotCache:
    """The present states of all services of a tenant.

    Attributes:
        snapshot: what readers are shown.
        watchers: the readers; notified of each change.
        users: how many streams use the cache.
        waiters: the streams that wait for the first read.
    """

    def __init__(self) -> None:
        self.snapshot: TenantSnapshot = {}
        self.watchers: set[Watcher] = set()
        self.users = 0
        self.waiters: list[asyncio.Future[None]] = []
        self._recorded: dict[UUID, RecordedService] | None = None
        self._changed: set[UUID] = set()
        self._retry = Retry(_BACKOFF)
        # By the event loop's clock: when to read all services, and the earliest times of the next reads.
        self._whole_due = self._not_before = self._whole_not_before = -math.inf

    @property
    def is_read(self) -> bool:
        """Whether it has been read at least once."""
        return self._recorded is not None

    @property
    def due(self) -> float:
        """When to read it next, by the event loop's clock."""
        whole = max(self._whole_due, self._whole_not_before)
        return max(self._not_before, -math.inf if self._changed else whole)

    def mark_changed(self, service_id: UUID | None) -> None:
        """Mark a service for reading; all if it is None."""
        if service_id is not None and len(self._changed) < _MOST_CHANGED:
            self._changed.add(service_id)
        else:
            self._whole_due = -math.inf

    def failed(self) -> None:
        """Read nothing for some seconds, and then all services."""
        self._whole_due = -math.inf
        self._not_before = asyncio.get_running_loop().time() + self._retry.failed_s()

    def publish(self, snapshot: TenantSnapshot, among: Iterable[UUID] | None = None) -> None:
        """Replace the snapshot, and notify the readers of each difference.

        Args:
            snapshot: the new snapshot of all services.
            among: the services that may differ; None for all.
        """
        before, self.snapshot = self.snapshot, snapshot
        for service_id in {**before, **snapshot} if among is None else among:
            was, now = before.get(service_id), snapshot.get(service_id)
            if was != now:
                for watcher in tuple(self.watchers):
                    watcher.on_change(service_id, was, now)

    async def read(self, store: "SnapshotSql", tenant_id: UUID, clock: Callable[[], int]) -> None:
        """Read what is due, and update the snapshot.

        Without the database the last data is shown as of now, so it becomes UNKNOWN.

        Raises:
            Unavailable: the database is unavailable.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        whole = max(self._whole_due, self._whole_not_before) <= begun or not self.is_read
        changed, self._changed = self._changed, set()
        if whole:
            self._whole_due = begun + _POLL_S
        try:
            recorded = await store.recorded_services(tenant_id, None if whole else changed)
        except Unavailable:
            self.failed()
            if self._recorded is not None:
                await self._recompute(self._recorded, clock)
            raise
        found = {each.service.id: each for each in recorded}
        if whole or self._recorded is None:
            self._recorded = found
            await self._recompute(found, clock)
        else:
            for service_id in changed - found.keys():
                self._recorded.pop(service_id, None)
            self._recorded |= found
            await self._recompute(found, clock, changed)
        self._retry.succeeded()
        took = loop.time() - begun
        self._not_before = loop.time() + _MIN_INTERVAL_S
        if whole:
            self._whole_not_before = loop.time() + _REST_FACTOR * took

    async def _recompute(
        self, recorded: Mapping[UUID, RecordedService], clock: Callable[[], int], among: Collection[UUID] | None = None
    ) -> None:
        """Update the snapshot from what was read.

        Args:
            recorded: the services that were found.
            clock: returns the present time in microseconds.
            among: the services that were asked for; None for all.
        """
        now = clock()
        snapshot = dict(self.snapshot)
        for service_id in [*snapshot] if among is None else among:
            if service_id not in recorded:
                snapshot.pop(service_id, None)
        services = iter(recorded.values())
        while some := tuple(islice(services, _AT_ONCE)):
            snapshot.update((each.service.id, service_snapshot(each, now)) for each in some)
            change_us = next_change_us(some, now)
            if change_us is not None:
                wait_s = (change_us - now) / SECOND_US + _STALE_MARGIN_S
                self._whole_due = min(self._whole_due, asyncio.get_running_loop().time() + wait_s)
            await asyncio.sleep(0)
        self.publish(snapshot, among)

    def release_waiters(self, error: Exception | None = None) -> None:
        """Release the streams that wait for the first read, with its error if it failed."""
        waited, self.waiters = self.waiters, []
        for each in waited:
            if each.done():
                continue
            if error is None:
                each.set_result(None)
            else:
                each.set_exception(error)


class SnapshotCaches:
    """The snapshot caches of the tenants that have streams in this process.

    Args:
        store: the services in PostgreSQL.
        clock: returns the present time in microseconds.
    """

    def __init__(self, store: "SnapshotSql", clock: Callable[[], int] = now_us) -> None:
        self._store = store
        self._clock = clock
        self._caches: dict[UUID, TenantSnapshotCache] = {}
        self._wake = asyncio.Event()
        self._is_away = False

    def on_notify(self, payload: str) -> None:
        """Mark what a notification names for reading."""
        change = ServiceChange.parse(payload)
        cache = self._caches.get(change.tenant_id)
        if cache is not None:
            cache.mark_changed(change.service_id)
            self._wake.set()

    async def on_connect(self) -> None:
        """Mark everything for reading, because notifications may have been lost."""
        for cache in self._caches.values():
            cache.mark_changed(None)
        self._wake.set()

    @asynccontextmanager
    async def of(self, tenant_id: UUID) -> AsyncIterator[TenantSnapshotCache]:
        """Yield a tenant's cache, which is kept up to date while the block runs.

        Raises:
            Unavailable: the database is unavailable, and the tenant was never read.
        """
        cache = self._caches.setdefault(tenant_id, TenantSnapshotCache())
        cache.users += 1
        try:
            if not cache.is_read:
                read: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                cache.waiters.append(read)
                self._wake.set()
                await read
            yield cache
        finally:
            cache.users -= 1
            if not cache.users:
                del self._caches[tenant_id]

    async def run(self) -> None:
        """Read due tenants, one at a time, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            tenant_id, cache = min(self._caches.items(), key=lambda item: item[1].due, default=(None, None))
            if tenant_id is not None and cache is not None and cache.due <= loop.time():
                await self._read(tenant_id, cache)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout_at(cache.due if cache else None):
                    await self._wake.wait()

    async def _read(self, tenant_id: UUID, cache: TenantSnapshotCache) -> None:
        """Read a tenant; on an error, release or end its readers."""
        try:
            await cache.read(self._store, tenant_id, self._clock)
        except Unavailable as error:
            if not self._is_away:
                _log.warning("watch streams show the last known states: database unavailable")
            self._is_away = True
            cache.release_waiters(error)
        except Exception as error:  # noqa: BLE001 — readers must not wait forever
            _log.exception("reading the states of a tenant's services failed")
            for watcher in cache.watchers:
                watcher.end(EndReason.INTERNAL)
            cache.failed()
            cache.release_waiters(error)
        else:
            self._is_away = False
            cache.release_waiters()
