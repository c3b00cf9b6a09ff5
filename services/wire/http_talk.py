"""An HTTP request and its response over a link, with each phase timed."""

import time

from services.checks.outcome import ErrorKind
from services.wire.answer import AnswerReader
from services.wire.hop import Wire
from services.wire.link import Link
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure


class HttpTalk:
    """The handler of an HTTP request on a link.

    Args:
        wire: the encoded request.
        seen: receives the phases.

    Attributes:
        answer: the response so far.
    """

    __slots__ = ("_first_ns", "_link", "_seen", "_sent_ns", "_wire", "answer")

    def __init__(self, wire: Wire, seen: Observation) -> None:
        self.answer = AnswerReader(seen, without_body=wire.is_head, keep_body=wire.keep_body, follows=wire.follows)
        self._wire = wire
        self._seen = seen
        self._link: Link | None = None
        self._sent_ns = 0
        self._first_ns = 0

    def begin(self, link: Link) -> None:
        """Send the request."""
        self._link = link
        link.write(self._wire.bytes)
        self._sent_ns = time.perf_counter_ns()

    def hear(self, data: bytes) -> None:
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

    def hang_up(self, error: Exception | None) -> None:
        """Process the end of the connection.

        Raises:
            ProbeFailure: the response is incomplete.
        """
        if error is not None:
            raise ProbeFailure(ErrorKind.PROTOCOL, "connection lost before the response was complete") from error
        self.answer.feed_eof()
        self._complete()

    def close(self) -> None:
        """Drop the reference to the link."""
        self._link = None

    def _complete(self) -> None:
        seen = self._seen
        if not self.answer.truncated:
            seen.transfer_us = (time.perf_counter_ns() - self._first_ns) // 1000
            if seen.on_phase is not None:
                seen.on_phase("transfer", seen.transfer_us)
        if self._link is not None:
            self._link.complete()
