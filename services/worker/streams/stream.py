"""Live results out: from a cursor or from now on, in recording order, nothing lost or doubled, with an honest end.

A reader whose cursor is old first reads by itself, in bounded pages, up to where the order is settled. Then it joins
the tail (tail.py), reads by itself what lies up to there, and from then on takes what it is handed.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import NotFound, ResourceExhausted, Unavailable
from services.platform.rpc.stream_guard import LOOK_S, EndReason, StreamGuard
from services.platform.rpc.stream_metrics import StreamMetrics
from services.platform.rpc.stream_reader import Backlog, OpenStreams
from services.worker.streams.position import Position, resume
from services.worker.streams.reader import MOST_QUEUED_BY_ALL, Reader, Recorded, Wanted
from services.worker.streams.tail import Tail

if TYPE_CHECKING:
    from services.worker.store.tenant import TenantStore

_PAGE = 1_000
# How many transactions one page of catching up looks through at the most: what a tenant has may lie far apart.
_SPAN_XIDS = 10_000
# Who comes back this soon joins at once: what is handed out while it catches up is little.
_NEAR_XIDS = 500


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


class Streams:
    """The streams of one process.

    Args:
        store: where a reader that resumes catches up.
        tail: hands out what is new.
        metrics: told of readers and what is sent to them.

    Attributes:
        open: those that are open now.
    """

    def __init__(self, store: "TenantStore", tail: Tail, metrics: StreamMetrics | None = None) -> None:
        self._store = store
        self._metrics = metrics or StreamMetrics()
        self._tail = tail
        self._backlog = Backlog(MOST_QUEUED_BY_ALL)
        self.open = OpenStreams(self._metrics)

    async def refuse_unknown(self, tenant_id: UUID, service_id: UUID | None, check_id: UUID | None) -> None:
        """Refuse to follow a service or a check that the tenant does not have; None stands for all of them.

        Raises:
            NotFound: SERVICE_NOT_FOUND or CHECK_NOT_FOUND.
            ResourceExhausted: OVERLOADED.
            Unavailable: the database is away.
        """
        if service_id is not None and not await self._store.has_service(tenant_id, service_id):
            raise NotFound(reasons.ERROR_REASON_SERVICE_NOT_FOUND, "Service not found.")
        if check_id is not None and not await self._store.has_check(tenant_id, check_id):
            raise NotFound(reasons.ERROR_REASON_CHECK_NOT_FOUND, "Check not found.")

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
            FailedPrecondition: CURSOR_OUTDATED: the cursor is from before the database was restored.
            Unavailable: the database is away as the stream begins.
            ResourceExhausted: OVERLOADED: the tenant has as many streams as it may.
        """
        self.open.refuse_more(tenant_id)
        reader = Reader(wanted, self._backlog)
        with self.open.holding(reader, guard):
            try:
                if cursor is None:
                    reader.position = await self._tail.join(tenant_id, reader)
                    yield Beat(reader.position)
                else:
                    settled = await self._store.frontier(tenant_id)
                    reader.position = resume(cursor, settled)
                    # At once: a reader learns that it is heard, and can resume though nothing has happened yet.
                    yield Beat(reader.position)
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
        """Read up to a goal, then join the tail and read up to it, however long the database is away or busy."""
        joined = False
        while not reader.is_over() and not (joined and reader.position >= goal):
            try:
                if reader.position < goal:
                    up_to = min(goal, reader.position.ahead(_SPAN_XIDS))
                    settled, rows = await self._store.recorded_behind(tenant_id, reader.position, up_to, _PAGE)
                    if settled.era != goal.era:
                        # The database was replaced: what its present cluster recorded is new, and nothing else. Who has
                        # joined is handed all of that.
                        goal = reader.position if joined else settled
                        reader.position = reader.position.within(goal)
                        continue
                    for position, result in rows:
                        if reader.wants(result):
                            reader.heard()
                            self._metrics.sent()
                            yield Recorded(position, result)
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
                await asyncio.sleep(LOOK_S)
            if reader.is_quiet():
                reader.heard()
                yield Beat(reader.position)
        if reader.is_over():
            # What it was handed lies behind what it has not read.
            reader.forget()

    async def _live(self, reader: Reader) -> AsyncGenerator[Event, None]:
        while True:
            while reader.queue and not reader.stops_now():
                self._metrics.sent()
                yield reader.take()
            if reader.over is not None:
                yield End(reader.over, reader.position)
                return
            # All that was handed out has been sent, or was not wanted.
            reader.position = self._tail.position or reader.position
            if reader.is_quiet():
                reader.heard()
                yield Beat(reader.position)
            reader.something.clear()
            if not reader.queue and not reader.is_over():
                await reader.something.wait()
