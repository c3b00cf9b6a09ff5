"""Streams of service states: the present states, then each change, then the reason of the end."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from services.monitor.watching.tenant_snapshot_cache import SnapshotCaches
from services.monitor.watching.watcher import (
    MOST_HELD_BY_ALL,
    ServicePredicate,
    ServiceRemoved,
    ServicesKept,
    ServiceUpdated,
    SyncComplete,
    Watcher,
)
from services.platform.rpc.stream_guard import EndReason, StreamGuard
from services.platform.rpc.stream_metrics import StreamMetrics
from services.platform.rpc.stream_reader import OpenStreams, UnreadLimit


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A keep-alive, with a cursor up to which everything was sent."""

    cursor: bytes


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The end of a stream, with the cursor from which to resume."""

    reason: EndReason
    cursor: bytes


Event = ServiceUpdated | ServiceRemoved | ServicesKept | SyncComplete | KeepAlive | StreamEnd


class WatchStreams:
    """The streams of WatchServices in one process.

    Args:
        caches: the present states by tenant.
        metrics: counts readers and messages.

    Attributes:
        open: the open streams.
    """

    def __init__(self, caches: SnapshotCaches, metrics: StreamMetrics) -> None:
        self._caches = caches
        self._metrics = metrics
        self._unread = UnreadLimit(MOST_HELD_BY_ALL)
        self.open = OpenStreams(metrics)

    async def follow(
        self, tenant_id: UUID, cursor: bytes | None, wanted: ServicePredicate, guard: StreamGuard
    ) -> AsyncGenerator[Event, None]:
        """Yield the present states of a tenant's services and their changes, until the guard ends the stream.

        Args:
            tenant_id: the tenant of the reader.
            cursor: the digest of what the reader has; None for a new reader.
            wanted: the filter of services.
            guard: ends the stream.

        Raises:
            Unavailable: the database is unavailable as the stream begins.
            ResourceExhausted: OVERLOADED: the tenant has as many streams as it may.
        """
        self.open.refuse_more(tenant_id)
        watcher = Watcher(wanted, self._unread)
        with self.open.track(watcher, guard):
            try:
                async with self._caches.of(tenant_id) as cache:
                    # No await between these two lines, so the cache does not change.
                    watcher.begin(cache.snapshot, cursor)
                    cache.watchers.add(watcher)
                    try:
                        yield KeepAlive(watcher.cursor())
                        while not watcher.is_over():
                            watcher.wakeup.clear()
                            event = watcher.take(cache.snapshot)
                            if event is not None:
                                if isinstance(event, ServiceUpdated | ServiceRemoved):
                                    self._metrics.sent()
                                if event.cursor:
                                    watcher.note_sent()
                                yield event
                            if (event is None and watcher.needs_cursor) or watcher.needs_keep_alive():
                                watcher.note_sent()
                                yield KeepAlive(watcher.cursor())
                            elif event is None and not watcher.is_over():
                                await watcher.wakeup.wait()
                    finally:
                        cache.watchers.discard(watcher)
                yield StreamEnd(watcher.end_reason or EndReason.INTERNAL, watcher.cursor())
            finally:
                watcher.close()
