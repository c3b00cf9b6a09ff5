"""One connection of one attempt: dialled, timed, closed at once. A ProtocolHandler implements the protocol on it."""

import asyncio
import time
from typing import Protocol, cast

from services.wire.internal_error import InternalProbeError, is_internal
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure, Undecided


class ProtocolHandler(Protocol):
    """The protocol on a connection. It calls `connection.complete()` when it has received enough.

    Any exception fails the attempt; ProbeFailure has the reason.
    """

    def on_connected(self, connection: "Connection") -> None:
        """Start: the connection is established, and its TLS handshake is complete if TLS begins at once."""

    def on_data(self, data: bytes) -> None:
        """Process received bytes."""

    def on_eof(self, error: Exception | None) -> None:
        """Process the end or loss of the connection; raise ProbeFailure if something is missing."""

    def on_closed(self) -> None:
        """Release resources: the connection is closed."""


class Connection(asyncio.Protocol):
    """A plain connection.

    Args:
        address: a literal address that may be dialled.
        port: the port to connect to.
        seen: receives the progress. Its first connection is used; a later one closes itself at once.
        handler: the protocol.

    Attributes:
        address: as given.
        handler: as given.
        is_late: whether another connection was established first.
    """

    __slots__ = ("_dialled_ns", "_done", "_loop", "_port", "_seen", "_transport", "address", "handler", "is_late")

    def __init__(self, address: str, port: int, seen: Observation, handler: ProtocolHandler) -> None:
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] | None = self._loop.create_future()
        self.is_late = False
        self.address = address
        self.handler = handler
        self._port = port
        self._seen = seen
        self._transport: asyncio.Transport | None = None
        self._dialled_ns = 0

    async def dial(self) -> None:
        """Connect.

        Raises:
            OSError: the connection failed.
        """
        if self._seen.connect_us is None:
            self._seen.resolved_ip = self.address
        self._dialled_ns = time.perf_counter_ns()
        try:
            await self._loop.create_connection(lambda: self, self.address, self._port)
        except BaseException:
            self.close()  # it may be connected already, unnoticed
            raise

    async def wait_closed(self) -> None:
        """Wait until the handler has received enough, and close.

        Raises:
            ProbeFailure: it failed or was incomplete.
            InternalProbeError: the monitor itself failed.
        """
        try:
            if self._done is not None:
                await self._done
        finally:
            self.close()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._send(data)

    def complete(self) -> None:
        """End the connection; the handler has received enough."""
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def close(self) -> None:
        """Close at once, in any state."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        self.handler.on_closed()
        if self._done is not None:
            if self._done.done() and not self._done.cancelled():
                self._done.exception()  # retrieved, even if a cancellation came first
            # The exception refers to frames that refer to this object. Break the cycle, so that both are freed at once.
            self._done = None

    @property
    def is_over(self) -> bool:
        """Whether received bytes are no longer of interest."""
        return self._done is None or self._done.done()

    def report_connected(self) -> None:
        """Report the phase "connect"."""
        seen = self._seen
        if seen.on_phase is not None and seen.connect_us is not None:
            seen.on_phase("connect", seen.connect_us)

    # Callbacks of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Record the connection, and start the handler."""
        seen = self._seen
        self._transport = cast("asyncio.Transport", transport)
        if seen.connect_us is not None:
            self.is_late = True
            self._transport.abort()
            return
        seen.resolved_ip = self.address
        seen.connect_us = (time.perf_counter_ns() - self._dialled_ns) // 1000
        self._report_connected()
        try:
            self._begin()
        except Exception as error:  # noqa: BLE001 — any error has to reach the run
            self._fail(error)

    def data_received(self, data: bytes) -> None:
        """Pass received bytes to the handler."""
        if self.is_late or self.is_over:
            return
        try:
            self._received(data)
        except Exception as error:  # noqa: BLE001 — as above
            self._fail(error)

    def eof_received(self) -> bool:
        """Treat the server's end of sending as the end of the connection."""
        self.connection_lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the end or loss of the connection to the handler."""
        if self.is_late or self.is_over:
            return
        if exc is not None and is_internal(exc):
            self._fail(InternalProbeError(exc))
            return
        try:
            self._lost(exc)
        except Exception as error:  # noqa: BLE001 — as above
            self._fail(error)

    # Overridden by connections with TLS

    def _report_connected(self) -> None:
        self.report_connected()

    def _begin(self) -> None:
        self.handler.on_connected(self)

    def _received(self, data: bytes) -> None:
        self.handler.on_data(data)

    def _lost(self, error: Exception | None) -> None:
        self.handler.on_eof(error)

    # Shared with connections with TLS

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, ProbeFailure | Undecided):
            error.__traceback__ = error.__context__ = error.__cause__ = None  # see close(); only its message is needed
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
