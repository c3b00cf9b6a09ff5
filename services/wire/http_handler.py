"""An HTTP request and its response over a connection, with each phase timed."""

import time

from services.checks.outcome import ErrorKind
from services.wire.connection import Connection
from services.wire.http_request import EncodedRequest
from services.wire.http_response import ResponseReader
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure


class HttpHandler:
    """The handler of an HTTP request on a connection.

    Args:
        request: the encoded request.
        seen: receives the phases.

    Attributes:
        answer: the response so far.
    """

    __slots__ = ("_connection", "_first_ns", "_request", "_seen", "_sent_ns", "answer")

    def __init__(self, request: EncodedRequest, seen: Observation) -> None:
        self.answer = ResponseReader(
            seen, without_body=request.is_head, keep_body=request.keep_body, follows=request.follows
        )
        self._request = request
        self._seen = seen
        self._connection: Connection | None = None
        self._sent_ns = 0
        self._first_ns = 0

    def on_connected(self, connection: Connection) -> None:
        """Send the request."""
        self._connection = connection
        connection.write(self._request.bytes)
        self._sent_ns = time.perf_counter_ns()

    def on_data(self, data: bytes) -> None:
        """Read some bytes of the response.

        Raises:
            ProbeFailure: it is not a valid response.
        """
        if not self._first_ns:
            seen = self._seen
            self._first_ns = time.perf_counter_ns()
            seen.ttfb_us = max(0, self._first_ns - self._sent_ns) // 1000
            if seen.on_phase is not None:
                seen.on_phase("ttfb", seen.ttfb_us)
        if self.answer.feed(data):
            self._complete()

    def on_eof(self, error: Exception | None) -> None:
        """Process the end of the connection.

        Raises:
            ProbeFailure: the response is incomplete.
        """
        if error is not None:
            raise ProbeFailure(ErrorKind.PROTOCOL, "connection lost before the response was complete") from error
        self.answer.feed_eof()
        self._complete()

    def on_closed(self) -> None:
        """Drop the reference to the connection."""
        self._connection = None

    def _complete(self) -> None:
        seen = self._seen
        if not self.answer.truncated:
            seen.transfer_us = (time.perf_counter_ns() - self._first_ns) // 1000
            if seen.on_phase is not None:
                seen.on_phase("transfer", seen.transfer_us)
        if self._connection is not None:
            self._connection.complete()
