"""Watching services: what each of them is, then each change, with an honest end."""

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
    """The stream begins, nothing happened for a while, or what was told lately counts as told from here on."""

    cursor: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The stream is over; the cursor is where to resume."""

    reason: EndReason
    cursor: bytes


Event = Shown | Gone | Kept | Complete | Beat | End


class Watches:
    """The streams of one process.

    Args:
        boards: what services are shown as.
        metrics: told of readers and what is sent to them.

    Attributes:
        open: those that are open now.
    """

    def __init__(self, boards: Boards, metrics: StreamMetrics) -> None:
        self._boards = boards
        self._metrics = metrics
        self._backlog = Backlog(MOST_HELD_BY_ALL)
        self.open = OpenStreams(metrics)

    async def follow(
        self, tenant_id: UUID, cursor: bytes | None, wanted: Wanted, guard: StreamGuard
    ) -> AsyncGenerator[Event, None]:
        """What a tenant's services are and become, until the guard ends the stream.

        Args:
            tenant_id: whose.
            cursor: what the reader was told already; nothing when None.
            wanted: which services.
            guard: says when to end.

        Raises:
            Unavailable: the database is away as the stream begins.
            ResourceExhausted: OVERLOADED: the tenant has as many streams as it may.
        """
        self.open.refuse_more(tenant_id)
        watcher = Watcher(wanted, self._backlog)
        with self.open.holding(watcher, guard):
            try:
                async with self._boards.of(tenant_id) as board:
                    # Between these two the board stands still.
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
