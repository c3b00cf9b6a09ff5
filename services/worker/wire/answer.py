"""One HTTP/1.1 answer, parsed by httptools from bytes in whatever pieces they come, and bounded (semantics.md §23).

Knows neither sockets nor clocks: the same bytes make the same answer, however they are split.
"""

from typing import Any

import httptools

from services.common.outcome import ErrorKind
from services.worker.wire.observation import Observation
from services.worker.wire.probe_failure import ProbeFailure

LARGEST_BODY = 1024 * 1024
LARGEST_HEADERS = 64 * 1024
# Chunk sizes, extensions and trailers are neither headers nor body; this much of them is enough.
_LARGEST_OVERHEAD = 256 * 1024
_LARGEST_ANSWER = LARGEST_HEADERS + LARGEST_BODY + _LARGEST_OVERHEAD
_SWITCHING = 101
_FINAL = 200
_WITHOUT_BODY = (204, 304)


class AnswerReader:
    """Reads one answer.

    Args:
        seen: told the status, the version and how much of a body came.
        without_body: whether the request was a HEAD, whose answer has no body.
        keep_body: whether somebody will look at the body.

    Attributes:
        status: the status code; 0 before it is known.
        headers: names and values, as they came.
        body: as it came over the wire, still encoded; empty when it is not kept.
        ended: whether the answer is complete, or was cut off.
        truncated: whether it was cut off at the limit.
    """

    __slots__ = (
        "_fed",
        "_framed",
        "_in_body",
        "_keep_body",
        "_parser",
        "_room",
        "_seen",
        "_without_body",
        "body",
        "ended",
        "headers",
        "status",
        "truncated",
    )

    def __init__(self, seen: Observation, *, without_body: bool = False, keep_body: bool = False) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self.ended = False
        self.truncated = False
        self._seen = seen
        self._without_body = without_body
        self._keep_body = keep_body
        self._parser: Any = httptools.HttpResponseParser(self)
        self._in_body = False
        self._framed = False
        self._fed = 0
        self._room = LARGEST_BODY

    def feed(self, data: bytes) -> bool:
        """Read some bytes; answers whether the answer has ended.

        Raises:
            ProbeFailure: it is not HTTP/1.1, or its headers are too large.
        """
        # Exactly as much as is allowed is parsed, so that what is too much does not depend on how it was split.
        if not self._in_body and self._fed + len(data) > LARGEST_HEADERS:
            head = LARGEST_HEADERS - self._fed
            self._parse(data[:head])
            if self._is_before_body():
                raise ProbeFailure(ErrorKind.TOO_LARGE, "the answer's headers are larger than 64 KiB")
            data = data[head:]
        if not self.ended and self._fed + len(data) > _LARGEST_ANSWER:
            self._parse(data[: _LARGEST_ANSWER - self._fed])
            self._cut_off()
        elif not self.ended:
            self._parse(data)
        return self.ended

    def feed_eof(self) -> None:
        """The server will send no more.

        Raises:
            ProbeFailure: something is missing.
        """
        if self.ended:
            return
        if self._in_body and not self._framed:
            self.ended = True  # a body without length ends with the connection (RFC 9112 §6.3)
        elif self._fed:
            raise ProbeFailure(ErrorKind.PROTOCOL, "the server closed the connection before its answer was complete")
        else:
            raise ProbeFailure(ErrorKind.PROTOCOL, "the server closed the connection without an answer")

    def close(self) -> None:
        """Let the parser go: it and the reader hold each other, and would wait for the garbage collector."""
        self._parser = None

    def _is_before_body(self) -> bool:
        return not (self._in_body or self.ended)

    def _parse(self, data: bytes) -> None:
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # a fault of ours
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.ended:  # else it is about bytes behind the end
                raise ProbeFailure(ErrorKind.PROTOCOL, self._reason()) from error

    def _reason(self) -> str:
        if self._parser.get_status_code() == _SWITCHING:
            return "the server switched to another protocol"
        return "the answer is not valid HTTP/1.1"

    # httptools' side

    def on_message_begin(self) -> None:
        """An answer begins: the final one, or an interim one before it."""
        if not self.ended:
            self.headers = []
            self._framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came."""
        if self._in_body:
            return  # a trailer
        self.headers.append((name, value))
        if len(name) == 14:  # noqa: PLR2004 — the length of content-length
            self._framed = self._framed or name.lower() == b"content-length"
        elif len(name) == 17 and name.lower() == b"transfer-encoding":  # noqa: PLR2004 — its own length
            # Another coding last ends with the connection.
            self._framed = value.lower().rstrip().endswith(b"chunked")

    def on_headers_complete(self) -> None:
        """All headers came."""
        if self.ended:
            return
        status = self._parser.get_status_code()
        if status < _FINAL:
            return  # interim
        self._in_body = True
        seen = self._seen
        self.status = seen.status_code = status
        seen.http_version = self._parser.get_http_version()
        seen.body_bytes = 0
        if self._without_body or status in _WITHOUT_BODY:
            self.ended = True

    def on_body(self, data: bytes) -> None:
        """A piece of the body came."""
        if self.ended:
            return
        if len(data) > self._room:
            data = data[: self._room]
            self._cut_off()
        self._room -= len(data)
        self._seen.body_bytes = LARGEST_BODY - self._room
        if self._keep_body:
            self.body += data

    def on_message_complete(self) -> None:
        """An answer ended."""
        if self._in_body:
            self.ended = True

    def _cut_off(self) -> None:
        if not self.ended:
            self.ended = self.truncated = True
