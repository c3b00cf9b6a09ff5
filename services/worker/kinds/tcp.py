"""The TCP probe: connects, sends bytes and waits for an expected text, if the check defines them."""

import time

from services.checks.outcome import ErrorKind
from services.checks.specs.hosts import ascii_host, literal
from services.checks.specs.tcp import TcpSpec
from services.wire.connection import Connection
from services.wire.network import Network
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure

LARGEST_ANSWER = 64 * 1024


class TcpProbe:
    """Makes attempts of a TCP check.

    Args:
        spec: host and port, the text to send and the expected text.
    """

    __slots__ = ("_spec",)

    def __init__(self, spec: TcpSpec) -> None:
        self._spec = spec

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Connect, send, and read until the expected text is received.

        Raises:
            ProbeFailure: the connection fails, or the text is not received; the kind is the reason.
            InternalProbeError: an internal error occurs.
        """
        spec = self._spec
        send, expect = spec.send.encode(), spec.expect.encode()

        def connection_to(address: str) -> Connection:
            return Connection(address, spec.port, seen, TcpHandler(send, expect, seen))

        host = ascii_host(spec.host)
        connection = await network.connect(host, literal(host), seen, connection_to)
        await connection.wait_closed()


class TcpHandler:
    """Sends bytes and waits for the expected bytes, which may arrive in several segments.

    Args:
        send: the bytes to send; may be empty.
        expect: the expected bytes; if empty, nothing is read.
        seen: stores the phases: ttfb from the end of sending to the first byte received; transfer from there to the
            end of the expected bytes.
    """

    __slots__ = ("_connection", "_expect", "_first_ns", "_heard", "_seen", "_send", "_sent_ns")

    def __init__(self, send: bytes, expect: bytes, seen: Observation) -> None:
        self._send = send
        self._expect = expect
        self._seen = seen
        self._heard = bytearray()
        self._connection: Connection | None = None
        self._sent_ns = 0
        self._first_ns = 0

    def on_connected(self, connection: Connection) -> None:
        """Send the bytes; complete the attempt if nothing is expected."""
        self._connection = connection
        if self._send:
            connection.write(self._send)
        self._sent_ns = time.perf_counter_ns()
        if not self._expect:
            connection.complete()

    def on_data(self, data: bytes) -> None:
        """Search for the expected bytes in the first 64 KiB of the response.

        Raises:
            ProbeFailure: ASSERTION: the first 64 KiB do not contain them.
        """
        heard = self._heard
        if not heard:
            self._note_first()
        # The expected bytes may begin in an earlier segment.
        begin = max(0, len(heard) - len(self._expect) + 1)
        heard += data[: LARGEST_ANSWER - len(heard)]
        self._seen.body_bytes = len(heard)
        if heard.find(self._expect, begin) >= 0:
            self._complete()
        elif len(heard) == LARGEST_ANSWER:
            raise ProbeFailure(ErrorKind.ASSERTION, "the first 64 KiB of the response do not contain the expected text")

    def on_eof(self, error: Exception | None) -> None:
        """Fail the attempt: the connection ended before the expected bytes were received.

        Args:
            error: the error of the connection; None if the server closed it.

        Raises:
            ProbeFailure: always.
        """
        if error is not None:
            raise ProbeFailure(ErrorKind.PROTOCOL, "connection lost before the response was complete") from error
        if not self._heard:
            raise ProbeFailure(ErrorKind.ASSERTION, "server closed the connection without a response")
        raise ProbeFailure(ErrorKind.ASSERTION, "response does not contain the expected text")

    def on_closed(self) -> None:
        """Release the link."""
        self._connection = None

    def _note_first(self) -> None:
        seen = self._seen
        self._first_ns = time.perf_counter_ns()
        seen.ttfb_us = (self._first_ns - self._sent_ns) // 1000
        if seen.on_phase is not None:
            seen.on_phase("ttfb", seen.ttfb_us)

    def _complete(self) -> None:
        seen = self._seen
        seen.transfer_us = (time.perf_counter_ns() - self._first_ns) // 1000
        if seen.on_phase is not None:
            seen.on_phase("transfer", seen.transfer_us)
        if self._connection is not None:
            self._connection.complete()
