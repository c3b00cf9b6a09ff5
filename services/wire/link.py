"""One connection of one attempt: dialled, timed, closed at once; what is said over it is a talk's business."""

import asyncio
import time
from typing import Protocol, cast

from services.wire.observation import Observation
from services.wire.own_trouble import OwnTrouble, is_own
from services.wire.probe_failure import ProbeFailure, Undecided


class Talk(Protocol):
    """What is said over a link, and what it makes of the answers. It says `link.complete()` when it has heard enough.

    Whatever it raises fails the attempt; ProbeFailure says why.
    """

    def begin(self, link: "Link") -> None:
        """The way is open: connected, and secured where it is to be from the start."""

    def hear(self, data: bytes) -> None:
        """Bytes came."""

    def hang_up(self, error: Exception | None) -> None:
        """The other side will send no more, or the connection broke; raises ProbeFailure if something is missing."""

    def close(self) -> None:
        """The link is closed: let go of what is held."""


class Link(asyncio.Protocol):
    """A plain connection.

    Args:
        address: a literal one that may be dialled.
        port: where to connect.
        seen: told what is seen. Its first connection is the one that is used; a later one closes itself at once.
        talk: what is said.

    Attributes:
        address: as given.
        talk: as given.
        is_late: whether another connection was made first.
    """

    __slots__ = ("_dialled_ns", "_done", "_loop", "_port", "_seen", "_transport", "address", "is_late", "talk")

    def __init__(self, address: str, port: int, seen: Observation, talk: Talk) -> None:
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] | None = self._loop.create_future()
        self.is_late = False
        self.address = address
        self.talk = talk
        self._port = port
        self._seen = seen
        self._transport: asyncio.Transport | None = None
        self._dialled_ns = 0

    async def dial(self) -> None:
        """Connect.

        Raises:
            OSError: there is no connection.
        """
        if self._seen.connect_us is None:
            self._seen.resolved_ip = self.address
        self._dialled_ns = time.perf_counter_ns()
        try:
            await self._loop.create_connection(lambda: self, self.address, self._port)
        except BaseException:
            self.close()  # it may stand already, without anybody knowing of it
            raise

    async def ended(self) -> None:
        """Wait until the talk is over, and close.

        Raises:
            ProbeFailure: it did not come to its end.
            OwnTrouble: for a reason of our own.
        """
        try:
            if self._done is not None:
                await self._done
        finally:
            self.close()

    def write(self, data: bytes) -> None:
        """Send."""
        self._send(data)

    def complete(self) -> None:
        """The talk has heard enough."""
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def close(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        self.talk.close()
        if self._done is not None:
            if self._done.done() and not self._done.cancelled():
                self._done.exception()  # seen, even if a cancellation came first
            # What it failed with holds frames that hold this link: both would wait for the garbage collector.
            self._done = None

    @property
    def is_over(self) -> bool:
        """Whether nothing that comes matters any more."""
        return self._done is None or self._done.done()

    def tell_connected(self) -> None:
        """Tell that the connection stands."""
        seen = self._seen
        if seen.on_phase is not None and seen.connect_us is not None:
            seen.on_phase("connect", seen.connect_us)

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        seen = self._seen
        self._transport = cast("asyncio.Transport", transport)
        if seen.connect_us is not None:
            self.is_late = True
            self._transport.abort()
            return
        seen.resolved_ip = self.address
        seen.connect_us = (time.perf_counter_ns() - self._dialled_ns) // 1000
        self._tell_connected()
        try:
            self._begin()
        except Exception as error:  # noqa: BLE001 — whatever it is, the run has to hear of it
            self._fail(error)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self.is_late or self.is_over:
            return
        try:
            self._received(data)
        except Exception as error:  # noqa: BLE001 — as above
            self._fail(error)

    def eof_received(self) -> bool:
        """The server will send no more."""
        self.connection_lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self.is_late or self.is_over:
            return
        if exc is not None and is_own(exc):
            self._fail(OwnTrouble(exc))
            return
        try:
            self._lost(exc)
        except Exception as error:  # noqa: BLE001 — as above
            self._fail(error)

    # What a secure link does otherwise

    def _tell_connected(self) -> None:
        self.tell_connected()

    def _begin(self) -> None:
        self.talk.begin(self)

    def _received(self, data: bytes) -> None:
        self.talk.hear(data)

    def _lost(self, error: Exception | None) -> None:
        self.talk.hang_up(error)

    # What both do

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, ProbeFailure | Undecided):
            error.__traceback__ = error.__context__ = error.__cause__ = None  # as above; its sentence says it all
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
