"""The boards of one process: what all services of each tenant that somebody here watches are shown as, kept up to date.

A board is read whole when something of its tenant has moved, of which a notification tells; when time alone may have
moved something (semantics.md §13); and now and then, since a notification may be lost. Who watches a tenant shares its
board.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Protocol
from uuid import UUID

from services.common import logs
from services.common.clock import SECOND_US, now_us
from services.common.errors import Unavailable
from services.common.stream_guard import EndReason
from services.monitor.standing import Picture, RecordedService, next_move_us, standing_of
from services.monitor.watcher import Watcher

_log = logs.get("board")
_POLL_S = 15.0
_RETRY_S = 1.0
# However much moves, a board is read no more often than this, and takes no more than a fifth of the time.
_BETWEEN_S = 0.2
_REST = 4
# What has just become stale is looked at a moment later, so that what becomes so next is seen with it.
_LATER_S = 0.1
# So many services are thought about between two turns of the event loop.
_AT_ONCE = 200


class BoardStore(Protocol):
    """What boards need from the database."""

    async def recorded_services(self, tenant_id: UUID) -> Sequence[RecordedService]:
        """All services of a tenant, oldest first, as of one moment.

        Raises:
            Unavailable: the database is away.
        """


class Board:
    """What all services of a tenant are shown as.

    Args:
        now: the time of the event loop.

    Attributes:
        picture: what they are shown as; changes in place.
        watchers: told of each change.
        users: how many need the board.
        joining: those that wait until it has been read.
        due: when to read it, by the event loop's time.
    """

    def __init__(self, now: float) -> None:
        self.picture: Picture = {}
        self.watchers: set[Watcher] = set()
        self.users = 0
        self.joining: list[asyncio.Future[None]] = []
        self.due = now
        self._rested = now
        self._recorded: Sequence[RecordedService] | None = None

    @property
    def is_read(self) -> bool:
        """Whether it has ever been read."""
        return self._recorded is not None

    def hurry(self) -> None:
        """Something has moved: read it as soon as it has rested."""
        self.due = min(self.due, self._rested)

    def show(self, picture: Picture) -> None:
        """Show services as something else, and tell who watches."""
        before = self.picture
        changed = [each for each in picture if before.get(each) != picture[each]]
        changed += [each for each in before if each not in picture]
        self.picture = picture
        for service_id in changed:
            for watcher in tuple(self.watchers):
                watcher.moved(service_id, before.get(service_id), picture.get(service_id))

    async def read(self, store: BoardStore, tenant_id: UUID, clock: Callable[[], int]) -> None:
        """Read it and show what is there.

        Without the database what was read last is shown as it is by now: nobody looks, so it becomes UNKNOWN.

        Raises:
            Unavailable: the database is away.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self.due = begun + _POLL_S
        try:
            self._recorded = await store.recorded_services(tenant_id)
        finally:
            if self._recorded is not None:
                await self._think(self._recorded, clock)
            self._rested = loop.time() + max(_BETWEEN_S, _REST * (loop.time() - begun))
            self.due = max(self.due, self._rested)

    async def _think(self, recorded: Sequence[RecordedService], clock: Callable[[], int]) -> None:
        now = clock()
        picture: Picture = {}
        services = iter(recorded)
        while some := tuple(islice(services, _AT_ONCE)):
            picture.update((each.service.id, standing_of(each, now)) for each in some)
            move_us = next_move_us(some, now)
            if move_us is not None:
                wait_s = (move_us - now) / SECOND_US + _LATER_S
                self.due = min(self.due, asyncio.get_running_loop().time() + wait_s)
            await asyncio.sleep(0)
        self.show(picture)

    def admit(self, error: Exception | None = None) -> None:
        """Tell who waited that it has been read, or could not be."""
        waited, self.joining = self.joining, []
        for each in waited:
            if each.done():
                continue
            if error is None:
                each.set_result(None)
            else:
                each.set_exception(error)


class Boards:
    """Keeps the boards that somebody needs.

    Args:
        store: where services are recorded.
        clock: what tells when time alone has moved something, in microseconds.
    """

    def __init__(self, store: BoardStore, clock: Callable[[], int] = now_us) -> None:
        self._store = store
        self._clock = clock
        self._boards: dict[UUID, Board] = {}
        self._wake = asyncio.Event()
        self._away = False

    def on_notify(self, payload: str) -> None:
        """Something of a tenant has moved; the payload is its id."""
        with suppress(ValueError):
            board = self._boards.get(UUID(payload))
            if board is not None:
                board.hurry()
                self._wake.set()

    async def on_connect(self) -> None:
        """Notifications may have been lost: read all at once."""
        for board in self._boards.values():
            board.hurry()
        self._wake.set()

    @asynccontextmanager
    async def of(self, tenant_id: UUID) -> AsyncIterator[Board]:
        """A tenant's board, which is read and kept up to date as long as the block runs.

        Raises:
            Unavailable: the database is away, and the board has not been read.
        """
        loop = asyncio.get_running_loop()
        board = self._boards.setdefault(tenant_id, Board(loop.time()))
        board.users += 1
        try:
            if not board.is_read:
                read: asyncio.Future[None] = loop.create_future()
                board.joining.append(read)
                self._wake.set()
                await read
            yield board
        finally:
            board.users -= 1
            if not board.users:
                del self._boards[tenant_id]

    async def run(self) -> None:
        """Read what is due, one board at a time, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            tenant_id, board = min(self._boards.items(), key=lambda item: item[1].due, default=(None, None))
            if tenant_id is not None and board is not None and board.due <= loop.time():
                await self._read(tenant_id, board)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), board.due - loop.time() if board else None)

    async def _read(self, tenant_id: UUID, board: Board) -> None:
        """Read a board, whatever that may meet."""
        try:
            await board.read(self._store, tenant_id, self._clock)
        except Unavailable as error:
            if not self._away:
                _log.warning("the database is away; who watches services sees what it knew")
            self._away = True
            board.due = asyncio.get_running_loop().time() + _RETRY_S
            board.admit(error)
        except Exception as error:  # noqa: BLE001 — a watcher must not wait for what will not come
            _log.exception("a board could not be read")
            for watcher in board.watchers:
                watcher.end(EndReason.INTERNAL)
            board.due = asyncio.get_running_loop().time() + _RETRY_S
            board.admit(error)
        else:
            self._away = False
            board.admit()
