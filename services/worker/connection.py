"""One connection for one request: the request goes out as soon as it can, the answer is read, each phase is timed."""

import asyncio
import time
from typing import cast

from services.common.outcome import ErrorKind
from services.worker.answer import AnswerReader
from services.worker.exchange import Observation, ProbeFailure
from services.worker.hop import Wire
from services.worker.own_trouble import OwnTrouble, is_own


class Connection(asyncio.Protocol):
    """A plain connection.

    Args:
        address: a literal one that may be dialled.
        wire: the request.
        seen: told what is seen. Its first connection is the one that is used; a later one closes itself at once.

    Attributes:
        address: as given.
        answer: what came so far.
        is_late: whether another connection was made first.
    """

    __slots__ = (
        "_dialled_ns",
        "_done",
        "_first_ns",
        "_loop",
        "_seen",
        "_sent_ns",
        "_transport",
        "_wire",
        "address",
        "answer",
        "is_late",
    )

    def __init__(self, address: str, wire: Wire, seen: Observation) -> None:
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] | None = self._loop.create_future()
        self.answer = AnswerReader(seen, without_body=wire.is_head, keep_body=wire.keep_body)
        self.is_late = False
        self.address = address
        self._wire = wire
        self._seen = seen
        self._transport: asyncio.Transport | None = None
        self._sent_ns = 0
        self._first_ns = 0
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
            await self._loop.create_connection(lambda: self, self.address, self._wire.port)
        except BaseException:
            self.close()  # it may stand already, without anybody knowing of it
            raise

    async def ended(self) -> None:
        """Wait until the answer is complete or cut off, and close.

        Raises:
            ProbeFailure: there will be no answer.
            OwnTrouble: for a reason of our own.
        """
        try:
            if self._done is not None:
                await self._done
        finally:
            self.close()

    def close(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        self.answer.close()
        if self._done is not None:
            if self._done.done() and not self._done.cancelled():
                self._done.exception()  # seen, even if a cancellation came first
            # What it failed with holds frames that hold this connection: both would wait for the garbage collector.
            self._done = None

    @property
    def is_over(self) -> bool:
        """Whether nothing that comes matters any more."""
        return self._done is None or self._done.done()

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
        if seen.on_phase is not None:
            seen.on_phase("connect", seen.connect_us)
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
            self._ended(exc)
        except ProbeFailure as failure:
            self._fail(failure)

    # What a secure connection does otherwise

    def _begin(self) -> None:
        self._write(self._wire.bytes)
        self._sent_ns = time.perf_counter_ns()

    def _received(self, data: bytes) -> None:
        self._read(data)

    def _ended(self, error: Exception | None) -> None:
        if error is not None:
            raise ProbeFailure(ErrorKind.PROTOCOL, "the server broke off the connection") from error
        self.answer.feed_eof()
        self._complete()

    # What both do

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _read(self, data: bytes) -> None:
        """Read some of the answer."""
        if not self._first_ns:
            seen = self._seen
            self._first_ns = time.perf_counter_ns()
            seen.ttfb_us = max(0, self._first_ns - self._sent_ns) // 1000
            if seen.on_phase is not None:
                seen.on_phase("ttfb", seen.ttfb_us)
        if self.answer.feed(data):
            self._complete()

    def _complete(self) -> None:
        seen = self._seen
        if not self.answer.truncated:
            seen.transfer_us = (time.perf_counter_ns() - self._first_ns) // 1000
            if seen.on_phase is not None:
                seen.on_phase("transfer", seen.transfer_us)
        if self._done is not None:
            self._done.set_result(None)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, ProbeFailure):
            error.__traceback__ = error.__context__ = error.__cause__ = None  # as above; its sentence says it all
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
