"""The boards of one process: what all services of each tenant that somebody here watches are shown as, kept up to date.

What of a board has moved is read again when a notification tells of it. All of it is read when anything may have moved:
a window began or ended, a check became stale by time passing (semantics.md §12); and now and then, since a notification
may be lost. Who watches a tenant shares its board.
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
from services.platform.rpc.stream_guard import EndReason

if TYPE_CHECKING:
    from services.monitor.store.board import BoardSql

_log = logs.get("board")
_POLL_S = 15.0
_RETRY_S = 1.0
# However much moves, a board is read no more often than this; as a whole it takes no more than a fifth of the time.
_BETWEEN_S = 0.2
_REST = 4
# Of more services than this it is cheaper to read the whole.
_MOST_MOVED = 500
# What has just become stale is looked at a moment later, so that what becomes so next is seen with it.
_LATER_S = 0.1
# So many services are thought about between two turns of the event loop.
_AT_ONCE = 200


class Board:
    """What all services of a tenant are shown as.

    Attributes:
        picture: what they are shown as.
        watchers: told of each change.
        users: how many need the board.
        joining: those that wait until it has been read.
    """

    def __init__(self) -> None:
        self.picture: Picture = {}
        self.watchers: set[Watcher] = set()
        self.users = 0
        self.joining: list[asyncio.Future[None]] = []
        self._recorded: dict[UUID, RecordedService] | None = None
        self._moved: set[UUID] = set()
        # By the event loop's time: when to read the whole, and not before when.
        self._whole_at = self._rested = self._whole_rested = -math.inf

    @property
    def is_read(self) -> bool:
        """Whether it has ever been read."""
        return self._recorded is not None

    @property
    def due(self) -> float:
        """When to read it next, by the event loop's time."""
        whole = max(self._whole_at, self._whole_rested)
        return max(self._rested, -math.inf if self._moved else whole)

    def moved(self, service_id: UUID | None) -> None:
        """A service is to be read again; all when it is None."""
        if service_id is not None and len(self._moved) < _MOST_MOVED:
            self._moved.add(service_id)
        else:
            self._whole_at = -math.inf

    def rest(self, seconds: float) -> None:
        """Read nothing of it for a while, and then the whole."""
        self._whole_at = -math.inf
        self._rested = asyncio.get_running_loop().time() + seconds

    def show(self, picture: Picture, among: Iterable[UUID] | None = None) -> None:
        """Show services as something else, and tell who watches.

        Args:
            picture: all that there are.
            among: those that may be shown as something else than before, or be gone; None for any.
        """
        before, self.picture = self.picture, picture
        for service_id in {**before, **picture} if among is None else among:
            was, now = before.get(service_id), picture.get(service_id)
            if was != now:
                for watcher in tuple(self.watchers):
                    watcher.moved(service_id, was, now)

    async def read(self, store: "BoardSql", tenant_id: UUID, clock: Callable[[], int]) -> None:
        """Read what of it is due, and show what is there.

        Without the database what was read last is shown as it is by now: nobody looks, so it becomes UNKNOWN.

        Raises:
            Unavailable: the database is away.
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
            self.rest(_RETRY_S)
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
        took = loop.time() - begun
        self._rested = loop.time() + _BETWEEN_S
        if whole:
            self._whole_rested = loop.time() + _REST * took

    async def _think(
        self, recorded: Mapping[UUID, RecordedService], clock: Callable[[], int], among: Collection[UUID] | None = None
    ) -> None:
        """Show what was read.

        Args:
            recorded: what was found.
            clock: what tells the time.
            among: what was asked for; all when None.
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

    def __init__(self, store: "BoardSql", clock: Callable[[], int] = now_us) -> None:
        self._store = store
        self._clock = clock
        self._boards: dict[UUID, Board] = {}
        self._wake = asyncio.Event()
        self._away = False

    def on_notify(self, payload: str) -> None:
        """Something of a tenant has moved."""
        move = ServiceMove.parse(payload)
        board = self._boards.get(move.tenant_id)
        if board is not None:
            board.moved(move.service_id)
            self._wake.set()

    async def on_connect(self) -> None:
        """Notifications may have been lost: read all at once."""
        for board in self._boards.values():
            board.moved(None)
        self._wake.set()

    @asynccontextmanager
    async def of(self, tenant_id: UUID) -> AsyncIterator[Board]:
        """A tenant's board, which is read and kept up to date as long as the block runs.

        Raises:
            Unavailable: the database is away, and the board has not been read.
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
                _log.warning("watch streams show the last known states: database unavailable")
            self._away = True
            board.admit(error)
        except Exception as error:  # noqa: BLE001 — a watcher must not wait for what will not come
            _log.exception("reading the states of a tenant's services failed")
            for watcher in board.watchers:
                watcher.end(EndReason.INTERNAL)
            board.rest(_RETRY_S)
            board.admit(error)
        else:
            self._away = False
            board.admit()
