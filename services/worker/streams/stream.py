"""Streams of live results: from a cursor or from now on, in recording order, without loss or duplicates.

A reader with an old cursor first catches up by itself, in bounded pages, up to where the order is settled. Then it
joins the tail (tail.py), reads up to the joining point, and from then on takes what the tail gives it.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import NotFound, ResourceExhausted, Unavailable
from services.platform.retry import Backoff, Retry
from services.platform.rpc.stream_guard import POLL_S, EndReason, StreamGuard
from services.platform.rpc.stream_metrics import StreamMetrics
from services.platform.rpc.stream_reader import OpenStreams, UnreadLimit
from services.worker.streams.position import Position, resume
from services.worker.streams.reader import MOST_QUEUED_BY_ALL, Reader, RecordedResult, ResultPredicate
from services.worker.streams.tail import ResultTail

if TYPE_CHECKING:
    from services.worker.store.tenant import TenantStore

_PAGE = 1_000
# The maximum number of transactions that one page of catching up scans: a tenant's results may be far apart.
_SPAN_XIDS = 10_000
# A reader whose cursor is this recent joins at once: little is queued for it while it catches up.
_NEAR_XIDS = 500
# No pause is longer: between two attempts a stream may have to end, or its keep-alive be sent.
_BACKOFF = Backoff(first_s=POLL_S, longest_s=POLL_S)


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A keep-alive, or the start of the stream; everything up to the position was sent."""

    position: Position


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The end of the stream, with the position from which to resume."""

    reason: EndReason
    position: Position


Event = RecordedResult | KeepAlive | StreamEnd


class ResultStreams:
    """The streams of one process.

    Args:
        store: reads results for readers that catch up.
        tail: gives new results to readers.
        metrics: counts readers and messages.

    Attributes:
        open: the open streams.
    """

    def __init__(self, store: "TenantStore", tail: ResultTail, metrics: StreamMetrics | None = None) -> None:
        self._store = store
        self._metrics = metrics or StreamMetrics("sentinel_stream", "results")
        self._tail = tail
        self._unread = UnreadLimit(MOST_QUEUED_BY_ALL)
        self.open = OpenStreams(self._metrics)

    async def refuse_unknown(self, tenant_id: UUID, service_id: UUID | None, check_id: UUID | None) -> None:
        """Refuse a service or check that the tenant does not have; None stands for all.

        Raises:
            NotFound: SERVICE_NOT_FOUND or CHECK_NOT_FOUND.
            ResourceExhausted: OVERLOADED.
            Unavailable: the database is unavailable.
        """
        if service_id is not None and not await self._store.has_service(tenant_id, service_id):
            raise NotFound(reasons.ERROR_REASON_SERVICE_NOT_FOUND, "Service not found.")
        if check_id is not None and not await self._store.has_check(tenant_id, check_id):
            raise NotFound(reasons.ERROR_REASON_CHECK_NOT_FOUND, "Check not found.")

    async def follow(
        self, tenant_id: UUID, cursor: Position | None, wanted: ResultPredicate, guard: StreamGuard
    ) -> AsyncGenerator[Event, None]:
        """Yield a tenant's results from a cursor or from now on, until the guard ends the stream.

        Args:
            tenant_id: the tenant of the reader.
            cursor: the position to resume after; None for now.
            wanted: the filter of results.
            guard: ends the stream.

        Raises:
            FailedPrecondition: CURSOR_OUTDATED: the cursor is from before the database was restored.
            Unavailable: the database is unavailable as the stream begins.
            ResourceExhausted: OVERLOADED: the tenant has as many streams as it may.
        """
        self.open.refuse_more(tenant_id)
        reader = Reader(wanted, self._unread)
        with self.open.track(reader, guard):
            try:
                if cursor is None:
                    reader.position = await self._tail.join(tenant_id, reader)
                    yield KeepAlive(reader.position)
                else:
                    settled = await self._store.frontier(tenant_id)
                    reader.position = resume(cursor, settled)
                    # At once, so that a reader can resume even if nothing has happened yet.
                    yield KeepAlive(reader.position)
                    goal = reader.position if settled.xid - cursor.xid <= _NEAR_XIDS else settled
                    async with aclosing(self._catch_up(tenant_id, reader, goal)) as events:
                        async for event in events:
                            yield event
                async with aclosing(self._live(reader)) as events:
                    async for event in events:
                        yield event
            finally:
                self._tail.leave(tenant_id, reader)
                reader.close()

    async def _catch_up(self, tenant_id: UUID, reader: Reader, goal: Position) -> AsyncGenerator[Event, None]:
        """Read up to a goal, join the tail, and read up to the joining point; retry during a database outage."""
        joined, retry = False, Retry(_BACKOFF)
        while not reader.is_over() and not (joined and reader.position >= goal):
            try:
                if reader.position < goal:
                    up_to = min(goal, reader.position.ahead(_SPAN_XIDS))
                    settled, rows = await self._store.recorded_after(tenant_id, reader.position, up_to, _PAGE)
                    if settled.era != goal.era:
                        # The database was replaced: only what its present cluster recorded is new. A reader that has
                        # joined gets all of that from the tail.
                        goal = reader.position if joined else settled
                        reader.position = reader.position.within(goal)
                        continue
                    for position, result in rows:
                        if reader.matches(result):
                            reader.note_sent()
                            self._metrics.sent()
                            yield RecordedResult(position, result)
                        reader.position = position
                        if reader.is_over():
                            break
                    else:
                        reader.position = reader.position if len(rows) == _PAGE else up_to
                else:
                    goal = await self._tail.join(tenant_id, reader)
                    reader.position = reader.position.within(goal)
                    joined = True
            except (Unavailable, ResourceExhausted):
                await retry.pause()
            if reader.needs_keep_alive():
                reader.note_sent()
                yield KeepAlive(reader.position)
        if reader.is_over():
            # What was queued is after what it has not read.
            reader.discard_unread()

    async def _live(self, reader: Reader) -> AsyncGenerator[Event, None]:
        while True:
            while reader.queue and not reader.must_stop_now():
                self._metrics.sent()
                yield reader.take()
            if reader.end_reason is not None:
                yield StreamEnd(reader.end_reason, reader.position)
                return
            # All that was given was sent, or did not match the filter.
            reader.position = self._tail.position or reader.position
            if reader.needs_keep_alive():
                reader.note_sent()
                yield KeepAlive(reader.position)
            reader.wakeup.clear()
            if not reader.queue and not reader.is_over():
                await reader.wakeup.wait()
