"""Live results out: one read of the database a tenant, however many read along; resumable, nothing lost or doubled.

A tenant's feed reads what was recorded since its last look, in an order that never changes afterwards (store.py), and
hands it to its readers. A reader with a cursor first reads by itself from there up to where the feed stood when it
joined. Each reader's queue is bounded; who does not keep up is told so, with a cursor to resume from.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.common import logs
from services.common.errors import Unavailable
from services.common.result import Result
from services.common.stream_guard import HEARTBEAT_S, LOOK_S, EndReason, StreamGuard
from services.worker.metrics import Metrics
from services.worker.position import FAR_AHEAD, Position

_log = logs.get("stream")
MOST_QUEUED = 20_000
_PAGE = 1_000
_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A result and where it stands."""

    position: Position
    result: Result


@dataclass(frozen=True, slots=True)
class Beat:
    """The stream begins, or nothing happened for a while; everything up to the position has been sent."""

    position: Position


@dataclass(frozen=True, slots=True)
class End:
    """The stream is over; the position is where to resume."""

    reason: EndReason
    position: Position


Event = Recorded | Beat | End
Wanted = Callable[[Result], bool]


class FeedStore(Protocol):
    """What feeds need from the database."""

    async def frontier(self, tenant_id: UUID) -> Position:
        """Right behind everything whose order is settled."""

    async def recorded_behind(
        self, tenant_id: UUID, after: Position, up_to: Position, limit: int
    ) -> Sequence[tuple[Position, Result]]:
        """A tenant's results behind one position and up to another, in the order in which they were recorded."""


class _Reader:
    """What a feed has handed out and its reader has not taken yet."""

    def __init__(self, start: Position) -> None:
        self.start = start
        self.queue: deque[Recorded] = deque()
        self.over: EndReason | None = None
        self.something = asyncio.Event()

    def give(self, events: Sequence[Recorded]) -> None:
        if self.over is not None:
            return
        if len(self.queue) + len(events) > MOST_QUEUED:
            self.end(EndReason.SLOW_READER)
            return
        self.queue.extend(events)
        self.something.set()

    def end(self, reason: EndReason) -> None:
        """Nothing more will come; what is queued still counts."""
        self.over = reason
        self.something.set()


@dataclass(slots=True)
class _Visit:
    """One reader's stay, as it is counted: why it is over, None if the reader went away."""

    over: EndReason | None = None


class _Feed:
    """One tenant's results as they are recorded."""

    def __init__(self, store: FeedStore, tenant_id: UUID, start: Position) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self.position = start
        self.readers: set[_Reader] = set()
        self.wake = asyncio.Event()

    async def run(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), _POLL_S)
            self.wake.clear()
            try:
                await self._read()
            except Unavailable:
                _log.warning("the database is away; streams wait")
            except Exception:  # noqa: BLE001 — a reader must not wait for a feed that is dead
                _log.exception("a feed failed")
                for reader in self.readers:
                    reader.end(EndReason.INTERNAL)
                return

    async def _read(self) -> None:
        full = True
        while full:
            rows = await self._store.recorded_behind(self._tenant_id, self.position, FAR_AHEAD, _PAGE)
            full = len(rows) == _PAGE
            if rows:
                self.position = rows[-1][0]
                events = [Recorded(*row) for row in rows]
                for reader in self.readers:
                    reader.give(events)


class Feeds:
    """The feeds of the tenants that somebody is reading.

    Args:
        store: where results are recorded.
        metrics: told of readers and what is sent to them.
    """

    def __init__(self, store: FeedStore, metrics: Metrics | None = None) -> None:
        self._store = store
        self._metrics = metrics or Metrics()
        self._feeds: dict[UUID, tuple[_Feed, asyncio.Task[None]]] = {}
        self._opening = asyncio.Lock()

    def on_notify(self, payload: str) -> None:
        """A tenant's results were recorded; the payload is its id."""
        feed = self._feeds.get(UUID(payload))
        if feed:
            feed[0].wake.set()

    async def on_connect(self) -> None:
        """Notifications may have been lost: look at once."""
        for feed, _ in self._feeds.values():
            feed.wake.set()

    async def follow(
        self, tenant_id: UUID, cursor: Position | None, wanted: Wanted, guard: StreamGuard
    ) -> AsyncGenerator[Event, None]:
        """A tenant's results from a cursor or from now on, until the guard ends the stream.

        Args:
            tenant_id: whose.
            cursor: resume behind it; from now on when None.
            wanted: which results.
            guard: says when to end.

        Raises:
            Unavailable: the database is away as the stream begins.
        """
        async with self._reader(tenant_id) as reader, self._counted() as visit:
            position = cursor or reader.start
            # At once: a reader learns that it is heard, and can resume though nothing has happened yet.
            yield Beat(position)
            while position < reader.start:
                rows = await self._store.recorded_behind(tenant_id, position, reader.start, _PAGE)
                for row in rows:
                    if wanted(row[1]):
                        self._metrics.sent()
                        yield Recorded(*row)
                position = rows[-1][0] if len(rows) == _PAGE else reader.start
            async for event in _live(reader, position, wanted, guard):
                if isinstance(event, Recorded):
                    self._metrics.sent()
                elif isinstance(event, End):
                    visit.over = event.reason
                yield event

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[_Visit]:
        visit = _Visit()
        self._metrics.reader_came()
        try:
            yield visit
        except Unavailable:
            visit.over = EndReason.INTERNAL
            raise
        finally:
            self._metrics.reader_left(visit.over)

    @asynccontextmanager
    async def _reader(self, tenant_id: UUID) -> AsyncIterator[_Reader]:
        async with self._opening:
            if tenant_id not in self._feeds or self._feeds[tenant_id][1].done():
                feed = _Feed(self._store, tenant_id, await self._store.frontier(tenant_id))
                self._feeds[tenant_id] = (feed, asyncio.create_task(feed.run()))
            feed, task = self._feeds[tenant_id]
            reader = _Reader(feed.position)
            feed.readers.add(reader)
        try:
            yield reader
        finally:
            feed.readers.discard(reader)
            if not feed.readers:
                task.cancel()
                if self._feeds.get(tenant_id) == (feed, task):
                    del self._feeds[tenant_id]


async def _live(reader: _Reader, position: Position, wanted: Wanted, guard: StreamGuard) -> AsyncGenerator[Event, None]:
    beat_at = time.monotonic() + HEARTBEAT_S
    while True:
        while reader.queue:
            event = reader.queue.popleft()
            position = event.position
            if wanted(event.result):
                yield event
                beat_at = time.monotonic() + HEARTBEAT_S
        reason = reader.over or guard.must_end()
        if reason is not None:
            yield End(reason, position)
            return
        if time.monotonic() >= beat_at:
            yield Beat(position)
            beat_at = time.monotonic() + HEARTBEAT_S
        reader.something.clear()
        if not reader.queue and reader.over is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.something.wait(), LOOK_S)
