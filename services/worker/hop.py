"""One request of a run: what is asked of whom, and the bytes that say it. Pure."""

import ipaddress
from functools import lru_cache
from typing import NamedTuple

import httpx

from services.common.outcome import ErrorKind
from services.common.spec import DEFAULT_TLS, HttpSpec, TlsOptions
from services.worker.exchange import ProbeFailure

PORTS = {"http": 80, "https": 443}
_AGENT = ("User-Agent", "SentinelStack")
_ACCEPT = ("Accept", "*/*")
# What content_coding.py can undo.
_CODINGS = ("Accept-Encoding", "gzip, deflate, br")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_MOST_LITERALS = 16_384

Headers = tuple[tuple[str, str], ...]


class Hop(NamedTuple):
    """A request: the check's own, or the one that a redirect asks for; headers without those that frame it."""

    method: str
    url: httpx.URL
    headers: Headers
    body: bytes


class Wire(NamedTuple):
    """A request as it goes over the wire, and where; a few hundred bytes, kept with each check.

    Attributes:
        bytes: what is sent.
        host: whom to resolve, in ASCII.
        address: the host itself when it is an address.
        port: where to connect.
        is_head: whether the answer has no body.
        keep_body: whether somebody will look at the answer's body.
        tls: how to verify the server; None for http.
        server_name: what the certificate must be for.
    """

    bytes: bytes
    host: str
    address: str | None
    port: int
    is_head: bool
    keep_body: bool
    tls: TlsOptions | None
    server_name: str


def first_hop(spec: HttpSpec) -> Hop:
    """The request that a check makes."""
    given = {name.lower() for name, _ in spec.headers}
    defaults = (_AGENT, _ACCEPT, _CODINGS) if spec.reads_body else (_AGENT, _ACCEPT)
    headers = spec.headers + tuple(pair for pair in defaults if pair[0].lower() not in given)
    return Hop(spec.method, httpx.URL(spec.url), headers, spec.body)


def wire(hop: Hop, *, keep_body: bool = False, tls: TlsOptions = DEFAULT_TLS) -> Wire:
    """The bytes of a request.

    Args:
        hop: the request.
        keep_body: whether somebody will look at the answer's body.
        tls: how to verify an https server.

    Raises:
        ProbeFailure: a header would not be one header.
    """
    url, host = hop.url, hop.url.raw_host.decode("ascii")
    lines = [f"{hop.method} {url.raw_path.decode('ascii')} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in hop.headers):
        lines.append(f"Host: {url.netloc.decode('ascii')}")
    lines += [f"{name}: {value}" for name, value in hop.headers]
    if hop.body or hop.method in _WITH_BODY:
        lines.append(f"Content-Length: {len(hop.body)}")
    lines.append("Connection: close")
    if any("\r" in line or "\n" in line for line in lines):
        # The contract refuses such headers; nothing that slipped through may smuggle a second request.
        raise ProbeFailure(ErrorKind.PROTOCOL, "the request has a line break in a header")
    secure = url.scheme == "https"
    return Wire(
        "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + hop.body,
        host,
        literal(host),
        url.port or PORTS[url.scheme],
        hop.method == "HEAD",
        keep_body,
        tls if secure else None,
        # A name is asked for without the dot that ends it (RFC 6066 §3).
        tls.server_name or host.removesuffix("."),
    )


def wire_of(spec: HttpSpec) -> Wire:
    """The bytes of a check's own request, made once and kept with it.

    Raises:
        ProbeFailure: a header would not be one header.
    """
    kept = spec.kept
    if kept is None:
        kept = wire(first_hop(spec), keep_body=spec.reads_body, tls=spec.tls)
        spec.keep(kept)
    return kept  # type: ignore[return-value] # nobody else keeps anything there


@lru_cache(maxsize=_MOST_LITERALS)
def literal(host: str) -> str | None:
    """The host itself if it is an address, else None."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
