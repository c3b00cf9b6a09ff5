"""A unary gRPC call over a connection, with each phase timed."""

import time

from services.checks.outcome import ErrorKind
from services.wire.connection import Connection
from services.wire.http2 import Answer
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.wire.tls import HTTP_2
from services.wire.tls_connection import TlsConnection


class GrpcHandler:
    """The handler of a unary gRPC call on a connection.

    Args:
        request: the bytes to send.
        seen: receives the phases.

    Attributes:
        answer: the response so far.
    """

    __slots__ = ("_connection", "_first_ns", "_request", "_seen", "_sent_ns", "answer")

    def __init__(self, request: bytes, seen: Observation) -> None:
        self.answer = Answer()
        self._request = request
        self._seen = seen
        self._connection: Connection | None = None
        self._sent_ns = 0
        self._first_ns = 0

    def on_connected(self, connection: Connection) -> None:
        """Send the request.

        Raises:
            ProbeFailure: TLS did not negotiate HTTP/2.
        """
        if isinstance(connection, TlsConnection) and connection.protocol != HTTP_2:
            raise ProbeFailure(ErrorKind.PROTOCOL, "server did not negotiate HTTP/2 in the TLS handshake (ALPN h2)")
        self._connection = connection
        connection.write(self._request)
        self._sent_ns = time.perf_counter_ns()

    def on_data(self, data: bytes) -> None:
        """Read some bytes of the response.

        Raises:
            ProbeFailure: it is not a valid response.
        """
        answer, connection = self.answer, self._connection
        replies = answer.feed(data)
        if connection is None:
            return
        if answer.headers and not self._first_ns:  # frames before the headers are not part of the response
            self._first_ns = time.perf_counter_ns()
            self._seen.record_phase("ttfb", (self._first_ns - self._sent_ns) // 1000)
        if answer.is_complete:
            self._seen.record_phase("transfer", (time.perf_counter_ns() - self._first_ns) // 1000)
            connection.complete()
        elif replies:
            connection.write(replies)

    def on_eof(self, error: Exception | None) -> None:
        """Process the end of the connection.

        Raises:
            ProbeFailure: always, because the response is incomplete.
        """
        raise ProbeFailure(ErrorKind.PROTOCOL, "connection lost before the response was complete") from error

    def on_closed(self) -> None:
        """Drop the reference to the connection."""
        self._connection = None
