"""Parser of one HTTP/1.x response, incremental and bounded (semantics.md §23, docs/adr/0036).

It uses neither sockets nor clocks: the same bytes give the same response, however they are split.
"""

import re

from services.checks.outcome import ErrorKind
from services.wire.body import LARGEST_BODY
from services.wire.chunks import Chunks
from services.wire.http_response_head import (
    NO_LENGTH,
    REDIRECTS,
    Headers,
    location_of,
    read_head,
    read_ordinary,
    refuse_other_protocols,
)
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure

LARGEST_HEADERS = 64 * 1024
# Chunk sizes, extensions and trailers are neither headers nor body; this limits them.
_LARGEST_OVERHEAD = 256 * 1024
_LARGEST_ANSWER = LARGEST_HEADERS + LARGEST_BODY + _LARGEST_OVERHEAD
_FINAL = 200
_SWITCHING = 101
_WITHOUT_BODY = frozenset({_SWITCHING, 204, 304})
_END = re.compile(rb"\n\r*\n")
_SCHEME = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*):")
_EMPTY_LINE = b"\r\n\r\n"
_LINE_BREAKS = b"\r\n"


class ResponseReader:
    """A reader of one response.

    Args:
        seen: receives the status, the version and the size of the body.
        without_body: whether the request was a HEAD, whose response has no body.
        keep_body: whether the body is needed.
        follows: whether a redirect is followed: it then ends after its head, as in curl.

    Attributes:
        status: the status code; 0 until it is received.
        body: as received, still encoded; empty if it is not kept.
        ended: whether the response is complete, or was truncated.
        truncated: whether it was truncated at the limit.
    """

    __slots__ = (
        "_chunks",
        "_fed",
        "_follows",
        "_head",
        "_headers",
        "_in_body",
        "_keep_body",
        "_left",
        "_length",
        "_pending",
        "_room",
        "_scanned",
        "_seen",
        "_without_body",
        "body",
        "ended",
        "status",
        "truncated",
    )

    def __init__(
        self, seen: Observation, *, without_body: bool = False, keep_body: bool = False, follows: bool = False
    ) -> None:
        self.status = 0
        self._head = b""
        self._headers: Headers | None = None
        self.body = bytearray()
        self.ended = False
        self.truncated = False
        self._seen = seen
        self._without_body = without_body
        self._keep_body = keep_body
        self._follows = follows
        self._pending = b""
        self._scanned = 0
        self._in_body = False
        self._chunks: Chunks | None = None
        self._length: int | None = None
        self._left = 0
        self._fed = 0
        self._room = LARGEST_BODY

    @property
    def headers(self) -> Headers:
        """Names and values, without surrounding white space; parsed on first use."""
        if self._headers is None:
            self._headers = read_head(self._head)[2] if self._head else []
        return self._headers

    def feed(self, data: bytes) -> bool:
        """Read some bytes; return whether the response has ended.

        Raises:
            ProbeFailure: it is not valid HTTP, or its headers are too large.
        """
        if not self._in_body:
            data = self._heads(self._pending + data) if self._pending else self._first(data)
            if not self._in_body:
                return False
        if self.ended or not data:
            return self.ended
        # Exactly the allowed size is read, so that the limit does not depend on how the bytes are split.
        allowed = _LARGEST_ANSWER - self._fed
        if len(data) > allowed:
            self._take_body(data[:allowed])
            if not self.ended:
                self.ended = self.truncated = True
        else:
            self._fed += len(data)
            self._take_body(data)
        return self.ended

    def feed_eof(self) -> None:
        """Process the end of the connection.

        Raises:
            ProbeFailure: the response is incomplete.
        """
        if self.ended:
            return
        if not (self._fed or self._pending):
            raise ProbeFailure(ErrorKind.PROTOCOL, "server closed the connection without a response")
        if not self._in_body:
            missing = "the headers are incomplete"
        elif self._chunks is not None:
            missing = f"the body ends in chunk {self._chunks.number}"
        elif self._length is not None:
            missing = f"received {self._length - self._left} of {self._length} bytes of the body (Content-Length)"
        else:
            self.ended = True  # a body without length ends with the connection (RFC 9112 §6.3)
            return
        raise ProbeFailure(
            ErrorKind.PROTOCOL, f"server closed the connection before the response was complete: {missing}"
        )

    def _first(self, data: bytes) -> bytes:
        """Read a complete and ordinary head, as most responses have; otherwise use _heads."""
        ordinary = read_ordinary(data)
        if ordinary is None or self._fed + ordinary[0] > LARGEST_HEADERS:
            return self._heads(data)
        size, status, version, length, is_chunked = ordinary
        self._fed += size
        self._head = data[: size - len(_EMPTY_LINE)]
        self._begin_body(status, version, length, is_chunked=is_chunked)
        return data[size:]

    def _heads(self, data: bytes) -> bytes:
        """Read the heads of interim responses and of the final one; return the bytes after it.

        Until the final head is complete, keep its beginning, and return nothing.
        """
        while data:
            allowed = LARGEST_HEADERS - self._fed
            window = data if len(data) <= allowed else data[:allowed]
            start = 0 if window[0] not in _LINE_BREAKS else len(window) - len(window.lstrip(b"\r\n"))
            end = _END.search(window, max(start, self._scanned))
            if end is None:
                refuse_other_protocols(window[start:])
                if window is not data:
                    raise ProbeFailure(ErrorKind.TOO_LARGE, "response headers are larger than 64 KiB")
                self._scanned = max(start, data.rfind(b"\n"))
                break
            self._scanned = 0
            self._fed += end.end()
            status, version, headers, length, is_chunked = read_head(window[start : end.start()])
            data = data[end.end() :]
            if status >= _FINAL or status == _SWITCHING:
                self._headers = headers
                self._begin_body(status, version, length, is_chunked=is_chunked)
                return data
        self._pending = data
        return b""

    def _begin_body(self, status: int, version: str, length: int | None, *, is_chunked: bool) -> None:
        seen = self._seen
        self._in_body = True
        self._pending = b""
        self.status = seen.status_code = status
        seen.http_version = version
        seen.body_bytes = 0
        is_followed = self._follows and status in REDIRECTS and _is_followed(location_of(self.headers))
        if is_followed or self._without_body or status in _WITHOUT_BODY:
            self.ended = True
        elif is_chunked:
            self._chunks = Chunks()
        elif length is not None and length < NO_LENGTH:
            self._length = self._left = length
            self.ended = not length

    def _take_body(self, data: bytes) -> None:
        if self._chunks is not None:
            self._chunks.feed(data, self._take)
            self.ended = self.ended or self._chunks.ended
        elif self._length is None:
            self._take(data, 0, len(data))
        else:
            size = min(len(data), self._left)
            self._left -= size
            self._take(data, 0, size)
            self.ended = self.ended or not self._left

    def _take(self, data: bytes, start: int, end: int) -> bool:
        """Process a piece of the body; return whether more is wanted."""
        size = end - start
        if size > self._room:
            size = self._room
            self.ended = self.truncated = True
        self._room -= size
        self._seen.body_bytes = LARGEST_BODY - self._room
        if self._keep_body:
            self.body += data[start : start + size]
        return not self.ended


def _is_followed(location: bytes) -> bool:
    """Return whether a Location is followed: it has no scheme other than http and https."""
    scheme = _SCHEME.match(location)
    return bool(location) and (scheme is None or scheme[1].lower() in {b"http", b"https"})
