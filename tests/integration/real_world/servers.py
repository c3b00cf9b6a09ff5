"""The behaviour of a row's server. Plain data, which serving.py executes.

In bytes $PORT is the server's port and $SECURE_PORT its port with TLS.
"""

import re
from dataclasses import dataclass
from typing import Literal

from tests.integration.real_world.identity import Certificate

End = Literal["close", "keep", "stall", "reset", "tls"]
"""The end of the connection after the last byte: closed; kept until the client closes it; kept open even after that;
reset; or continued with TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One response of an HTTP server, and the requests that get it.

    Attributes:
        answer: the bytes; several pieces are written one after the other.
        path: the target in the request line, percent-encoded in any case; if empty, any target.
        has: bytes that the request has to contain.
        lacks: bytes that the request must not contain.
        after: the number of earlier requests from which the page applies.
        then: the end of the connection.
    """

    answer: bytes | tuple[bytes, ...]
    path: str = ""
    has: tuple[bytes, ...] = ()
    lacks: tuple[bytes, ...] = ()
    after: int = 0
    then: End = "close"

    def suits(self, request: bytes, earlier: int) -> bool:
        """Return whether the page applies to a request after this number of earlier requests."""
        line = request.split(b"\r\n", 1)[0].split(b" ")
        return (
            earlier >= self.after
            and (not self.path or (len(line) > 1 and _comparable(self.path) == _comparable(line[1].decode("latin-1"))))
            and all(each in request for each in self.has)
            and not any(each in request for each in self.lacks)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """An HTTP server: it responds with the first page that applies, or with 404.

    Attributes:
        pages: the responses.
        certificate: the certificate of a second port with TLS; None for no such port.
        lowest: the oldest supported version of TLS.
        highest: the newest supported version of TLS.
        ciphers: the ciphers of TLS 1.2 and older, in the syntax of OpenSSL.
        asks: whether it requires a client certificate.
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
        steps: pairs of the bytes to wait for (may be empty) and the bytes to send.
        then: the end of the connection.
        certificate: the certificate, if the connection continues with TLS.
    """

    steps: tuple[tuple[bytes, bytes], ...] = ()
    then: End = "keep"
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServer:
    """A name server.

    Attributes:
        records: lines of a zone file.
        rcode: the response code; records are returned with NOERROR only.
        silent_for: the number of queries that it ignores at first.
        fails_for: the number of queries to which it responds with SERVFAIL at first.
        delay_s: the time before each response, in seconds.
        only_tcp: whether responses by UDP are marked as truncated.
        raw: the bytes that it sends after the id of the query, instead of a response.
        gone: whether its port is closed.
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
    """The signals of a job, in seconds before the slot; None for never.

    Attributes:
        on: when the check was enabled.
        signal: when the last signal was received.
        success: when the last success was received.
        exit_code: the exit code of the last signal.
        failure: when the last failure was received.
        failure_code: the exit code of the last failure.
        outage: begin and end of the time in which no signals could be received.
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
    """No server: a REST request to the monitor.

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
    """No server: the port is closed, or no connection is made."""


Target = Http | Tcp | NameServer | Job | Request | Nobody
NOBODY = Nobody()


def _comparable(path: str) -> str:
    """Return a path with its percent-encoding in upper case (RFC 3986 §2.1)."""
    return re.sub("%[0-9a-fA-F]{2}", lambda found: found[0].upper(), path)


def says(*pieces: bytes, then: End = "close", certificate: Certificate | None = None) -> Http:
    """Return an HTTP server with one response to all requests."""
    return Http(pages=(Page(answer=pieces, then=then),), certificate=certificate)


def site(*pages: Page, certificate: Certificate | None = None) -> Http:
    """Return an HTTP server with several responses."""
    return Http(pages=pages, certificate=certificate)


def ok(body: bytes = b"ok", *lines: bytes) -> bytes:
    """Return a response with the status 200, a body and further header lines."""
    return answer(200, body, *lines)


def answer(status: int, body: bytes = b"", *lines: bytes) -> bytes:
    """Return a response with a status, a body and further header lines."""
    head = [b"HTTP/1.1 %d Reason" % status, *lines, b"Content-Length: %d" % len(body), b"Connection: close"]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def moved(location: bytes, status: int = 302, *lines: bytes) -> bytes:
    """Return a redirect."""
    return answer(status, b"", b"Location: " + location, *lines)
