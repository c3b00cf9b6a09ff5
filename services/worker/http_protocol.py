"""One HTTP/1.1 answer on one connection: parsed by httptools, timed, bounded (semantics.md §23)."""

import asyncio
import time
from typing import Any

import httptools

from services.common.outcome import ErrorKind
from services.worker.exchange import Exchange, ProbeFailure

LARGEST_BODY = 1024 * 1024
LARGEST_HEADERS = 64 * 1024
# Chunk extensions and trailers are neither headers nor body; this much of them is enough.
_LARGEST_OVERHEAD = 256 * 1024
_FINAL = 200
_WITHOUT_BODY = (204, 304)


class HttpProtocol(asyncio.Protocol):
    """Reads one answer; `done` is set when it is complete, cut off, or will not be.

    Args:
        loop: whose future `done` is.
        exchange: told what is seen.
        method: the request's; the answer to HEAD has no body.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, exchange: Exchange, method: str) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self._exchange = exchange
        self._head_only = method == "HEAD"
        self._parser: Any = httptools.HttpResponseParser(self)
        self._in_body = False
        self._framed = False
        self._before_body = 0
        self._received = 0
        self._body_bytes = 0
        self._sent_ns = 0
        self._first_ns = 0

    def sent(self) -> None:
        """The request has been written."""
        self._sent_ns = time.perf_counter_ns()

    # asyncio's side

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self.done.done():
            return
        if not self._first_ns:
            self._first_ns = time.perf_counter_ns()
            self._exchange.ended("ttfb", max(0, self._first_ns - self._sent_ns) // 1000)
        self._received += len(data)
        if not self._in_body:
            self._before_body += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(ErrorKind.PROTOCOL, "the server switched to another protocol")
        except httptools.HttpParserError:
            self._fail(ErrorKind.PROTOCOL, "the answer is not valid HTTP/1.1")
        if not self._in_body and self._before_body > LARGEST_HEADERS:
            self._fail(ErrorKind.TOO_LARGE, "the answer's headers are larger than 64 KiB")
        elif self._received > LARGEST_BODY + LARGEST_HEADERS + _LARGEST_OVERHEAD:
            self._cut_off()

    def eof_received(self) -> bool:
        """The server will send no more."""
        self.connection_lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self.done.done():
            return
        if self._in_body and not self._framed and exc is None:
            self._complete()  # a body without length ends with the connection (RFC 9112 §6.3)
        elif self._first_ns:
            self._fail(ErrorKind.PROTOCOL, "the server closed the connection before its answer was complete")
        else:
            self._fail(ErrorKind.PROTOCOL, "the server closed the connection without an answer")

    # httptools' side

    def on_message_begin(self) -> None:
        """An answer begins: the final one, or an interim one before it."""
        self.headers = []
        self._framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came."""
        self.headers.append((name, value))
        self._framed = self._framed or name.lower() in {b"content-length", b"transfer-encoding"}

    def on_headers_complete(self) -> None:
        """All headers came."""
        status = self._parser.get_status_code()
        if status < _FINAL:
            return  # interim; after 101 the parser says that what follows is not HTTP
        self.status = status
        self._in_body = True
        self._exchange.http_version = self._parser.get_http_version()
        self._exchange.body_bytes = 0
        if self._head_only or status in _WITHOUT_BODY:
            self._complete()

    def on_body(self, data: bytes) -> None:
        """A piece of the body came."""
        if self.done.done():
            return
        room = LARGEST_BODY - self._body_bytes
        self.body.append(data[:room])
        self._body_bytes += min(len(data), room)
        self._exchange.body_bytes = self._body_bytes
        if len(data) > room:
            self._cut_off()

    def on_message_complete(self) -> None:
        """An answer ended."""
        if self._in_body and not self.done.done():
            self._complete()

    def _complete(self) -> None:
        self._exchange.ended("transfer", (time.perf_counter_ns() - self._first_ns) // 1000)
        self.done.set_result(None)

    def _cut_off(self) -> None:
        if not self.done.done():
            self._exchange.truncated = True
            self.done.set_result(None)

    def _fail(self, kind: ErrorKind, sentence: str) -> None:
        if not self.done.done():
            self.done.set_exception(ProbeFailure(kind, sentence))
