"""What a row's server does. Plain data; serving.py does it.

In bytes $PORT is the server's port and $SECURE_PORT its port with TLS.
"""

import re
from dataclasses import dataclass
from typing import Literal

from tests.integration.real_world.identity import Certificate

End = Literal["close", "keep", "stall", "reset", "tls"]
"""What follows the last byte: the connection is closed; is kept until the client closes it; is kept for ever, whatever
the client does; is broken off; or speaks TLS from there on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of an HTTP server, and to which requests it is given.

    Attributes:
        answer: the bytes; several pieces are written one after the other.
        path: the target in the request line, percent-encoded in any case; any when empty.
        has: what the request has to contain.
        lacks: what it must not contain.
        after: only after this many requests.
        then: what follows.
    """

    answer: bytes | tuple[bytes, ...]
    path: str = ""
    has: tuple[bytes, ...] = ()
    lacks: tuple[bytes, ...] = ()
    after: int = 0
    then: End = "close"

    def suits(self, request: bytes, earlier: int) -> bool:
        """Whether it is the answer to a request that is preceded by so many."""
        line = request.split(b"\r\n", 1)[0].split(b" ")
        return (
            earlier >= self.after
            and (not self.path or (len(line) > 1 and _comparable(self.path) == _comparable(line[1].decode("latin-1"))))
            and all(each in request for each in self.has)
            and not any(each in request for each in self.lacks)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """An HTTP server: the first page that suits is the answer, and 404 where none does.

    Attributes:
        pages: its answers.
        certificate: makes it listen on a second port, under TLS.
        lowest: the oldest version of TLS that it speaks.
        highest: the newest one.
        ciphers: for OpenSSL, of TLS 1.2 and older.
        asks: whether it demands a certificate of clients.
    """

    pages: tuple[Page, ...]
    certificate: Certificate | None = None
    lowest: str = "TLSv1_2"
    highest: str = "TLSv1_3"
    ciphers: str = ""
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Tcp:
    """A server of any protocol.

    Attributes:
        steps: what it waits for and what it sends then; it waits for nothing where that is empty.
        then: what follows.
        certificate: for TLS that follows.
    """

    steps: tuple[tuple[bytes, bytes], ...] = ()
    then: End = "keep"
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServer:
    """A name server.

    Attributes:
        records: lines of a zone file.
        rcode: what it answers instead of them.
        silent_for: how many questions it does not answer at first.
        fails_for: how many it answers at first with SERVFAIL.
        delay_s: how long it takes for each answer.
        only_tcp: whether answers by UDP say that they are too long.
        raw: what it sends after the question's number instead of an answer.
        gone: whether nobody listens on its port.
    """

    records: tuple[str, ...] = ()
    rcode: str = "NOERROR"
    silent_for: int = 0
    fails_for: int = 0
    delay_s: float = 0.0
    only_tcp: bool = False
    raw: bytes = b""
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a job has reported, in seconds before the slot; None for never.

    Attributes:
        on: since when the check is on.
        signal: when the last signal came.
        success: when the last one came that told of a success.
        exit_code: of the last signal.
        failure: when the last one came that reported a failure.
        failure_code: its exit code.
        outage: when nobody could take signals, from and to.
    """

    on: float = 86_400.0
    signal: float | None = None
    success: float | None = None
    exit_code: int | None = None
    failure: float | None = None
    failure_code: int | None = None
    outage: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """No server: a REST request that somebody sends to us.

    Attributes:
        method: the HTTP method.
        path: the path and the query.
        body: the body.
    """

    method: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Nobody:
    """No server: the port is closed, or it does not come to that."""


Target = Http | Tcp | NameServer | Job | Request | Nobody
NOBODY = Nobody()


def _comparable(path: str) -> str:
    """A path whose percent-encoding is in upper case (RFC 3986 §2.1)."""
    return re.sub("%[0-9a-fA-F]{2}", lambda found: found[0].upper(), path)


def says(*pieces: bytes, then: End = "close", certificate: Certificate | None = None) -> Http:
    """An HTTP server with one answer to all requests."""
    return Http(pages=(Page(answer=pieces, then=then),), certificate=certificate)


def site(*pages: Page, certificate: Certificate | None = None) -> Http:
    """An HTTP server with several answers."""
    return Http(pages=pages, certificate=certificate)


def ok(body: bytes = b"ok", *lines: bytes) -> bytes:
    """An answer 200 with a body, and more header lines."""
    return answer(200, body, *lines)


def answer(status: int, body: bytes = b"", *lines: bytes) -> bytes:
    """An answer with a status, a body and more header lines."""
    head = [b"HTTP/1.1 %d Reason" % status, *lines, b"Content-Length: %d" % len(body), b"Connection: close"]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def moved(location: bytes, status: int = 302, *lines: bytes) -> bytes:
    """A redirect."""
    return answer(status, b"", b"Location: " + location, *lines)
