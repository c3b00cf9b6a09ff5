"""A unary gRPC call over a link, with each phase timed."""

import time

from services.checks.outcome import ErrorKind
from services.wire.http2 import Answer
from services.wire.link import Link
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.wire.secure import SecureLink
from services.wire.tls import HTTP_2


class GrpcTalk:
    """The handler of a unary gRPC call on a link.

    Args:
        request: the bytes to send.
        seen: receives the phases.

    Attributes:
        answer: the response so far.
    """

    __slots__ = ("_first_ns", "_link", "_request", "_seen", "_sent_ns", "answer")

    def __init__(self, request: bytes, seen: Observation) -> None:
        self.answer = Answer()
        self._request = request
        self._seen = seen
        self._link: Link | None = None
        self._sent_ns = 0
        self._first_ns = 0

    def begin(self, link: Link) -> None:
        """Send the request.

        Raises:
            ProbeFailure: TLS did not negotiate HTTP/2.
        """
        if isinstance(link, SecureLink) and link.protocol != HTTP_2:
            raise ProbeFailure(ErrorKind.PROTOCOL, "server did not negotiate HTTP/2 in the TLS handshake (ALPN h2)")
        self._link = link
        link.write(self._request)
        self._sent_ns = time.perf_counter_ns()

    def hear(self, data: bytes) -> None:
        """Read some bytes of the response.

        Raises:
            ProbeFailure: it is not a valid response.
        """
        answer, link = self.answer, self._link
        replies = answer.feed(data)
        if link is None:
            return
        if answer.headers and not self._first_ns:  # frames before the headers are not part of the response
            self._first_ns = time.perf_counter_ns()
            self._seen.tell("ttfb", (self._first_ns - self._sent_ns) // 1000)
        if answer.is_complete:
            self._seen.tell("transfer", (time.perf_counter_ns() - self._first_ns) // 1000)
            link.complete()
        elif replies:
            link.write(replies)

    def hang_up(self, error: Exception | None) -> None:
        """Process the end of the connection.

        Raises:
            ProbeFailure: always, because the response is incomplete.
        """
        raise ProbeFailure(ErrorKind.PROTOCOL, "connection lost before the response was complete") from error

    def close(self) -> None:
        """Drop the reference to the link."""
        self._link = None
