"""Streams of service states: the present states, then each change, then the reason of the end."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from services.monitor.watching.board import Boards
from services.monitor.watching.watcher import MOST_HELD_BY_ALL, Complete, Gone, Kept, Shown, Wanted, Watcher
from services.platform.rpc.stream_guard import EndReason, StreamGuard
from services.platform.rpc.stream_metrics import StreamMetrics
from services.platform.rpc.stream_reader import Backlog, OpenStreams


@dataclass(frozen=True, slots=True)
class Beat:
    """A keep-alive, with a cursor up to which everything was sent."""

    cursor: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The end of a stream, with the cursor from which to resume."""

    reason: EndReason
    cursor: bytes


Event = Shown | Gone | Kept | Complete | Beat | End


class Watches:
    """The streams of WatchServices in one process.

    Args:
        boards: the present states by tenant.
        metrics: counts readers and messages.

    Attributes:
        open: the open streams.
    """

    def __init__(self, boards: Boards, metrics: StreamMetrics) -> None:
        self._boards = boards
        self._metrics = metrics
        self._backlog = Backlog(MOST_HELD_BY_ALL)
        self.open = OpenStreams(metrics)

    async def follow(
        self, tenant_id: UUID, cursor: bytes | None, wanted: Wanted, guard: StreamGuard
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
        watcher = Watcher(wanted, self._backlog)
        with self.open.holding(watcher, guard):
            try:
                async with self._boards.of(tenant_id) as board:
                    # No await between these two lines, so the board does not change.
                    watcher.begin(board.picture, cursor)
                    board.watchers.add(watcher)
                    try:
                        yield Beat(watcher.cursor())
                        while not watcher.is_over():
                            watcher.something.clear()
                            event = watcher.take(board.picture)
                            if event is not None:
                                if isinstance(event, Shown | Gone):
                                    self._metrics.sent()
                                if event.cursor:
                                    watcher.heard()
                                yield event
                            if (event is None and watcher.needs_cursor) or watcher.is_quiet():
                                watcher.heard()
                                yield Beat(watcher.cursor())
                            elif event is None and not watcher.is_over():
                                await watcher.something.wait()
                    finally:
                        board.watchers.discard(watcher)
                yield End(watcher.over or EndReason.INTERNAL, watcher.cursor())
            finally:
                watcher.close()
