"""A DNS query over TCP (RFC 7766): one message in each direction, each prefixed by its length."""

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from services.checks.outcome import ErrorKind
from services.wire.connection import Connection
from services.wire.dns_question import Question
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure

_LENGTH = 2
# The connection carries one query, so its id need not be random.
_NUMBER = 0


class _Reply(Protocol):
    @property
    def is_truncated(self) -> bool:
        """Whether the response is truncated."""


_R = TypeVar("_R", bound=_Reply)


class DnsTcpHandler(Generic[_R]):
    """The handler of a DNS query on a connection; the response has at most 64 KiB.

    Args:
        question: the question.
        read: returns the reply in the bytes of a response with an id; None if they do not match the question.
        edns: whether the server supports EDNS.
        seen: receives the phases.

    Attributes:
        reply: the reply; None until it is complete.
    """

    __slots__ = ("_connection", "_edns", "_first_ns", "_heard", "_question", "_read", "_seen", "_sent_ns", "reply")

    def __init__(
        self, question: Question, read: Callable[[bytes, int], _R | None], seen: Observation, *, edns: bool
    ) -> None:
        self.reply: _R | None = None
        self._question = question
        self._read = read
        self._edns = edns
        self._seen = seen
        self._heard = bytearray()
        self._connection: Connection | None = None
        self._sent_ns = 0
        self._first_ns = 0

    def on_connected(self, connection: Connection) -> None:
        """Send the query."""
        self._connection = connection
        asked = self._question.wire(_NUMBER, edns=self._edns)
        connection.write(len(asked).to_bytes(_LENGTH, "big") + asked)
        self._sent_ns = time.perf_counter_ns()

    def on_data(self, data: bytes) -> None:
        """Read some bytes of the response.

        Raises:
            ProbeFailure: it is not a valid response.
        """
        if not self._first_ns:
            self._first_ns = time.perf_counter_ns()
            self._seen.record_phase("ttfb", (self._first_ns - self._sent_ns) // 1000)
        heard = self._heard
        heard += data
        end = _LENGTH + int.from_bytes(heard[:_LENGTH], "big")
        if len(heard) < _LENGTH or len(heard) < end:
            return
        reply = self._read(bytes(heard[_LENGTH:end]), _NUMBER)
        if reply is None:
            raise ProbeFailure(ErrorKind.PROTOCOL, "DNS response does not match the query")
        if reply.is_truncated:
            raise ProbeFailure(ErrorKind.PROTOCOL, "DNS response is truncated even over TCP")
        self.reply = reply
        self._seen.record_phase("transfer", (time.perf_counter_ns() - self._first_ns) // 1000)
        if self._connection is not None:
            self._connection.complete()

    def on_eof(self, error: Exception | None) -> None:
        """Process the end of the connection.

        Raises:
            ProbeFailure: always, because the response is incomplete.
        """
        raise ProbeFailure(ErrorKind.PROTOCOL, "connection lost before the response was complete") from error

    def on_closed(self) -> None:
        """Drop the reference to the connection."""
        self._connection = None
