"""One request of a run, and its encoding. Pure."""

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
# The codings that content_coding.py supports.
_CODINGS = ("Accept-Encoding", "gzip, deflate, br")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# Lower case, no dot segments, nothing to encode: a URL that httpx would not change.
_PLAIN = re.compile(
    r"(https?)://((?:[a-z0-9]+(?:-+[a-z0-9]+)*\.)*[a-z][a-z0-9]*|(?:[0-9]{1,3}\.){3}[0-9]{1,3})(?::([1-9][0-9]{0,4}))?"
    r"((?:/(?!\.)[A-Za-z0-9._~-]*)+(?:\?[A-Za-z0-9._~=&-]*)?)?"
)

Headers = tuple[tuple[str, str], ...]


class HttpRequest(NamedTuple):
    """A request: that of the check, or of a redirect.

    Attributes:
        headers: the headers, except those that frame the body.
        certificate: the client certificate for https servers; None for none.
    """

    method: str
    url: httpx.URL
    headers: Headers
    body: bytes
    certificate: ClientCertificate | None = None


class EncodedRequest(NamedTuple):
    """An encoded request with its destination; a few hundred bytes, kept with each check.

    Attributes:
        bytes: the encoded request.
        host: the host to resolve, in ASCII.
        address: the host itself if it is an address.
        port: the port to connect to.
        is_head: whether the response has no body.
        keep_body: whether the response body is needed.
        follows: whether a redirect is followed, so that its body is not needed.
        tls: the TLS options; None for http.
        server_name: the name that the certificate must have.
        certificate: the client certificate; None for none.
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


class _UrlEndpoint(NamedTuple):
    """The destination of a URL.

    Attributes:
        secure: whether it is https.
        host: the host in ASCII.
        port: the port to connect to.
        netloc: host and, unless it is the default, port, for the Host header.
        target: path and query, for the request line.
    """

    secure: bool
    host: str
    port: int
    netloc: str
    target: str


def initial_request(spec: HttpSpec) -> HttpRequest:
    """Return the request of a check."""
    return HttpRequest(
        method=spec.method,
        url=httpx.URL(spec.url),
        headers=_headers(spec),
        body=spec.body,
        certificate=spec.auth.client_certificate,
    )


def encode_request(
    hop: HttpRequest, *, keep_body: bool = False, follows: bool = False, tls: TlsOptions = DEFAULT_TLS
) -> EncodedRequest:
    """Return an encoded request.

    Args:
        hop: the request.
        keep_body: whether the response body is needed.
        follows: whether a redirect is followed.
        tls: the TLS options for https.

    Raises:
        ProbeFailure: a header contains a line break.
    """
    endpoint = _endpoint(hop.url)
    return _encode(
        hop.method, endpoint, hop.headers, hop.body, tls, hop.certificate, keep_body=keep_body, follows=follows
    )


def _headers(spec: HttpSpec) -> Headers:
    given = {name.lower() for name, _ in spec.headers}
    defaults = (_AGENT, _ACCEPT, _CODINGS) if spec.reads_body else (_AGENT, _ACCEPT)
    return spec.headers + spec.auth.headers + tuple(pair for pair in defaults if pair[0].lower() not in given)


def _endpoint(url: httpx.URL) -> _UrlEndpoint:
    netloc, target = url.netloc.decode("ascii"), url.raw_path.decode("ascii")
    return _UrlEndpoint(
        secure=url.scheme == "https",
        host=url.raw_host.decode("ascii"),
        port=url.port or PORTS[url.scheme],
        netloc=netloc,
        target=target,
    )


def _endpoint_of(url: str) -> _UrlEndpoint:
    """Return the destination of a URL as text; without httpx if nothing has to be normalised, at a tenth of the cost.

    Hundreds of thousands of checks run for the first time within a minute after their worker has started.
    """
    plain = _PLAIN.fullmatch(url)
    if plain is None:
        return _endpoint(httpx.URL(url))
    scheme, host, digits, target = plain.groups()
    own = PORTS[scheme]
    port = int(digits) if digits else own
    return _UrlEndpoint(
        secure=scheme == "https",
        host=host,
        port=port,
        netloc=host if port == own else f"{host}:{port}",
        target=target or "/",
    )


def _encode(
    method: str,
    endpoint: _UrlEndpoint,
    headers: Headers,
    body: bytes,
    tls: TlsOptions,
    certificate: ClientCertificate | None,
    *,
    keep_body: bool,
    follows: bool,
) -> EncodedRequest:
    lines = [f"{method} {endpoint.target} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in headers):
        lines.append(f"Host: {endpoint.netloc}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method in _WITH_BODY:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    if any("\r" in line or "\n" in line for line in lines):
        # The contract refuses such headers; this prevents request smuggling in any case.
        raise ProbeFailure(ErrorKind.PROTOCOL, "request has a line break in a header")
    return EncodedRequest(
        bytes="\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body,
        host=endpoint.host,
        address=literal(endpoint.host),
        port=endpoint.port,
        is_head=method == "HEAD",
        keep_body=keep_body,
        follows=follows,
        tls=tls if endpoint.secure else None,
        # The name is sent without a trailing dot (RFC 6066 §3).
        server_name=tls.server_name or endpoint.host.removesuffix("."),
        certificate=certificate if endpoint.secure else None,
    )


def encode_check_request(spec: HttpSpec) -> EncodedRequest:
    """Return the encoded request of a check.

    Raises:
        ProbeFailure: a header contains a line break.
    """
    return _encode(
        spec.method,
        _endpoint_of(spec.url),
        _headers(spec),
        spec.body,
        spec.tls,
        spec.auth.client_certificate,
        keep_body=spec.reads_body,
        follows=spec.most_redirects > 0,
    )
