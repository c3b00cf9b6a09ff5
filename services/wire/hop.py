"""One request of a run: what is asked of whom, and the bytes that say it. Pure."""

import re
from typing import NamedTuple

import httpx

from services.checks.outcome import ErrorKind
from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.hosts import literal
from services.checks.specs.http import HttpSpec
from services.checks.specs.tls_options import DEFAULT_TLS, TlsOptions
from services.wire.probe_failure import ProbeFailure

PORTS = {"http": 80, "https": 443}
_AGENT = ("User-Agent", "SentinelStack")
_ACCEPT = ("Accept", "*/*")
# What content_coding.py can undo.
_CODINGS = ("Accept-Encoding", "gzip, deflate, br")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# Lower case, no dot segments, nothing to encode: what httpx would leave as it is.
_PLAIN = re.compile(
    r"(https?)://((?:[a-z0-9]+(?:-+[a-z0-9]+)*\.)*[a-z][a-z0-9]*|(?:[0-9]{1,3}\.){3}[0-9]{1,3})(?::([1-9][0-9]{0,4}))?"
    r"((?:/(?!\.)[A-Za-z0-9._~-]*)+(?:\?[A-Za-z0-9._~=&-]*)?)?"
)

Headers = tuple[tuple[str, str], ...]


class Hop(NamedTuple):
    """A request: the check's own, or the one that a redirect asks for.

    Attributes:
        headers: without those that frame it.
        certificate: what an https server is shown if it asks; None for nothing.
    """

    method: str
    url: httpx.URL
    headers: Headers
    body: bytes
    certificate: ClientCertificate | None = None


class Wire(NamedTuple):
    """A request as it goes over the wire, and where; a few hundred bytes, kept with each check.

    Attributes:
        bytes: what is sent.
        host: whom to resolve, in ASCII.
        address: the host itself when it is an address.
        port: where to connect.
        is_head: whether the answer has no body.
        keep_body: whether somebody will look at the answer's body.
        follows: whether a redirect is followed, so that nobody waits for its body.
        tls: how to verify the server; None for http.
        server_name: what the certificate must be for.
        certificate: what the server is shown if it asks; None for nothing.
    """

    bytes: bytes
    host: str
    address: str | None
    port: int
    is_head: bool
    keep_body: bool
    follows: bool
    tls: TlsOptions | None
    server_name: str
    certificate: ClientCertificate | None


class _Place(NamedTuple):
    """Where a URL leads.

    Attributes:
        secure: whether it is https.
        host: in ASCII.
        port: where to connect.
        netloc: host and, unless it is the scheme's own, port: what the Host header says.
        target: path and query, as the request line has them.
    """

    secure: bool
    host: str
    port: int
    netloc: str
    target: str


def first_hop(spec: HttpSpec) -> Hop:
    """The request that a check makes."""
    return Hop(
        method=spec.method,
        url=httpx.URL(spec.url),
        headers=_headers(spec),
        body=spec.body,
        certificate=spec.auth.client_certificate,
    )


def wire(hop: Hop, *, keep_body: bool = False, follows: bool = False, tls: TlsOptions = DEFAULT_TLS) -> Wire:
    """The bytes of a request.

    Args:
        hop: the request.
        keep_body: whether somebody will look at the answer's body.
        follows: whether a redirect is followed.
        tls: how to verify an https server.

    Raises:
        ProbeFailure: a header would not be one header.
    """
    place = _place(hop.url)
    return _wire(hop.method, place, hop.headers, hop.body, tls, hop.certificate, keep_body=keep_body, follows=follows)


def _headers(spec: HttpSpec) -> Headers:
    given = {name.lower() for name, _ in spec.headers}
    defaults = (_AGENT, _ACCEPT, _CODINGS) if spec.reads_body else (_AGENT, _ACCEPT)
    return spec.headers + spec.auth.headers + tuple(pair for pair in defaults if pair[0].lower() not in given)


def _place(url: httpx.URL) -> _Place:
    netloc, target = url.netloc.decode("ascii"), url.raw_path.decode("ascii")
    return _Place(
        secure=url.scheme == "https",
        host=url.raw_host.decode("ascii"),
        port=url.port or PORTS[url.scheme],
        netloc=netloc,
        target=target,
    )


def _place_of(url: str) -> _Place:
    """The same of a URL as text: without httpx where nothing in it has to be normalised, at a tenth of the cost.

    Hundreds of thousands of checks run for the first time within a minute after their worker has started.
    """
    plain = _PLAIN.fullmatch(url)
    if plain is None:
        return _place(httpx.URL(url))
    scheme, host, digits, target = plain.groups()
    own = PORTS[scheme]
    port = int(digits) if digits else own
    return _Place(
        secure=scheme == "https",
        host=host,
        port=port,
        netloc=host if port == own else f"{host}:{port}",
        target=target or "/",
    )


def _wire(
    method: str,
    place: _Place,
    headers: Headers,
    body: bytes,
    tls: TlsOptions,
    certificate: ClientCertificate | None,
    *,
    keep_body: bool,
    follows: bool,
) -> Wire:
    lines = [f"{method} {place.target} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in headers):
        lines.append(f"Host: {place.netloc}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method in _WITH_BODY:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    if any("\r" in line or "\n" in line for line in lines):
        # The contract refuses such headers; nothing that slipped through may smuggle a second request.
        raise ProbeFailure(ErrorKind.PROTOCOL, "request has a line break in a header")
    return Wire(
        bytes="\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body,
        host=place.host,
        address=literal(place.host),
        port=place.port,
        is_head=method == "HEAD",
        keep_body=keep_body,
        follows=follows,
        tls=tls if place.secure else None,
        # A name is asked for without the dot that ends it (RFC 6066 §3).
        server_name=tls.server_name or place.host.removesuffix("."),
        certificate=certificate if place.secure else None,
    )


def wire_of(spec: HttpSpec) -> Wire:
    """Return the bytes of a check's own request.

    Raises:
        ProbeFailure: a header would not be one header.
    """
    return _wire(
        spec.method,
        _place_of(spec.url),
        _headers(spec),
        spec.body,
        spec.tls,
        spec.auth.client_certificate,
        keep_body=spec.reads_body,
        follows=spec.most_redirects > 0,
    )
