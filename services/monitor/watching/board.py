"""The boards of one process: the present state of all services of each tenant that has a stream here.

A notification causes a read of what changed. All of a board is read when anything may have changed: a window began or
ended, or a check became stale (semantics.md §12); and periodically, because a notification may be lost. All readers of
a tenant share its board.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from services.checks.service_moves import ServiceMove
from services.monitor.watching.standing import Picture, RecordedService, next_move_us, standing_of
from services.monitor.watching.watcher import Watcher
from services.platform import logs
from services.platform.clock import SECOND_US, now_us
from services.platform.errors import Unavailable
from services.platform.retry import Backoff, Retry
from services.platform.rpc.stream_guard import EndReason

if TYPE_CHECKING:
    from services.monitor.store.board import BoardSql

_log = logs.get("board")
_POLL_S = 15.0
# Without the database states grow stale, which is shown at each attempt.
_BACKOFF = Backoff(first_s=1.0, longest_s=2.0)
# Limits of reading: a board at most this often, and whole boards in at most a fifth of the time.
_BETWEEN_S = 0.2
_REST = 4
# For more services than this a read of the whole board is cheaper.
_MOST_MOVED = 500
# Stale checks are read a moment later, so that those that become stale soon after are included.
_LATER_S = 0.1
# Services are processed in batches, so that the event loop runs other work in between.
_AT_ONCE = 200


class Board:
    """The present states of all services of a tenant.

    Attributes:
        picture: what readers are shown.
        watchers: the readers; notified of each change.
        users: how many streams use the board.
        joining: the streams that wait for the first read.
    """

    def __init__(self) -> None:
        self.picture: Picture = {}
        self.watchers: set[Watcher] = set()
        self.users = 0
        self.joining: list[asyncio.Future[None]] = []
        self._recorded: dict[UUID, RecordedService] | None = None
        self._moved: set[UUID] = set()
        self._retry = Retry(_BACKOFF)
        # By the event loop's clock: when to read the whole board, and the earliest times of the next reads.
        self._whole_at = self._rested = self._whole_rested = -math.inf

    @property
    def is_read(self) -> bool:
        """Whether it has been read at least once."""
        return self._recorded is not None

    @property
    def due(self) -> float:
        """When to read it next, by the event loop's clock."""
        whole = max(self._whole_at, self._whole_rested)
        return max(self._rested, -math.inf if self._moved else whole)

    def moved(self, service_id: UUID | None) -> None:
        """Mark a service for reading; all if it is None."""
        if service_id is not None and len(self._moved) < _MOST_MOVED:
            self._moved.add(service_id)
        else:
            self._whole_at = -math.inf

    def failed(self) -> None:
        """Read nothing for some seconds, and then the whole board."""
        self._whole_at = -math.inf
        self._rested = asyncio.get_running_loop().time() + self._retry.failed_s()

    def show(self, picture: Picture, among: Iterable[UUID] | None = None) -> None:
        """Replace the picture, and notify the readers of each difference.

        Args:
            picture: the new picture of all services.
            among: the services that may differ; None for all.
        """
        before, self.picture = self.picture, picture
        for service_id in {**before, **picture} if among is None else among:
            was, now = before.get(service_id), picture.get(service_id)
            if was != now:
                for watcher in tuple(self.watchers):
                    watcher.moved(service_id, was, now)

    async def read(self, store: "BoardSql", tenant_id: UUID, clock: Callable[[], int]) -> None:
        """Read what is due, and update the picture.

        Without the database the last data is shown as of now, so it becomes UNKNOWN.

        Raises:
            Unavailable: the database is unavailable.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        whole = max(self._whole_at, self._whole_rested) <= begun or not self.is_read
        moved, self._moved = self._moved, set()
        if whole:
            self._whole_at = begun + _POLL_S
        try:
            recorded = await store.recorded_services(tenant_id, None if whole else moved)
        except Unavailable:
            self.failed()
            if self._recorded is not None:
                await self._think(self._recorded, clock)
            raise
        found = {each.service.id: each for each in recorded}
        if whole or self._recorded is None:
            self._recorded = found
            await self._think(found, clock)
        else:
            for service_id in moved - found.keys():
                self._recorded.pop(service_id, None)
            self._recorded |= found
            await self._think(found, clock, moved)
        self._retry.succeeded()
        took = loop.time() - begun
        self._rested = loop.time() + _BETWEEN_S
        if whole:
            self._whole_rested = loop.time() + _REST * took

    async def _think(
        self, recorded: Mapping[UUID, RecordedService], clock: Callable[[], int], among: Collection[UUID] | None = None
    ) -> None:
        """Update the picture from what was read.

        Args:
            recorded: the services that were found.
            clock: returns the present time in microseconds.
            among: the services that were asked for; None for all.
        """
        now = clock()
        picture = dict(self.picture)
        for service_id in [*picture] if among is None else among:
            if service_id not in recorded:
                picture.pop(service_id, None)
        services = iter(recorded.values())
        while some := tuple(islice(services, _AT_ONCE)):
            picture.update((each.service.id, standing_of(each, now)) for each in some)
            move_us = next_move_us(some, now)
            if move_us is not None:
                wait_s = (move_us - now) / SECOND_US + _LATER_S
                self._whole_at = min(self._whole_at, asyncio.get_running_loop().time() + wait_s)
            await asyncio.sleep(0)
        self.show(picture, among)

    def admit(self, error: Exception | None = None) -> None:
        """Release the streams that wait for the first read, with its error if it failed."""
        waited, self.joining = self.joining, []
        for each in waited:
            if each.done():
                continue
            if error is None:
                each.set_result(None)
            else:
                each.set_exception(error)


class Boards:
    """The boards of the tenants that have streams in this process.

    Args:
        store: the services in PostgreSQL.
        clock: returns the present time in microseconds.
    """

    def __init__(self, store: "BoardSql", clock: Callable[[], int] = now_us) -> None:
        self._store = store
        self._clock = clock
        self._boards: dict[UUID, Board] = {}
        self._wake = asyncio.Event()
        self._away = False

    def on_notify(self, payload: str) -> None:
        """Mark what a notification names for reading."""
        move = ServiceMove.parse(payload)
        board = self._boards.get(move.tenant_id)
        if board is not None:
            board.moved(move.service_id)
            self._wake.set()

    async def on_connect(self) -> None:
        """Mark everything for reading, because notifications may have been lost."""
        for board in self._boards.values():
            board.moved(None)
        self._wake.set()

    @asynccontextmanager
    async def of(self, tenant_id: UUID) -> AsyncIterator[Board]:
        """Yield a tenant's board, which is kept up to date while the block runs.

        Raises:
            Unavailable: the database is unavailable, and the board was never read.
        """
        board = self._boards.setdefault(tenant_id, Board())
        board.users += 1
        try:
            if not board.is_read:
                read: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                board.joining.append(read)
                self._wake.set()
                await read
            yield board
        finally:
            board.users -= 1
            if not board.users:
                del self._boards[tenant_id]

    async def run(self) -> None:
        """Read due boards, one at a time, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            tenant_id, board = min(self._boards.items(), key=lambda item: item[1].due, default=(None, None))
            if tenant_id is not None and board is not None and board.due <= loop.time():
                await self._read(tenant_id, board)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout_at(board.due if board else None):
                    await self._wake.wait()

    async def _read(self, tenant_id: UUID, board: Board) -> None:
        """Read a board; on an error, release or end its readers."""
        try:
            await board.read(self._store, tenant_id, self._clock)
        except Unavailable as error:
            if not self._away:
                _log.warning("watch streams show the last known states: database unavailable")
            self._away = True
            board.admit(error)
        except Exception as error:  # noqa: BLE001 — readers must not wait forever
            _log.exception("reading the states of a tenant's services failed")
            for watcher in board.watchers:
                watcher.end(EndReason.INTERNAL)
            board.failed()
            board.admit(error)
        else:
            self._away = False
            board.admit()
