"""The probe's transport: one fresh connection a request, each step timed, the target vetted where it is dialled.

An httpx.AsyncBaseTransport, so requests, URLs and answers are httpx's; what lies underneath is an asyncio Protocol,
since a pooled client costs ten times the CPU (docs/adr/0002).
"""

import asyncio
import ssl
import time
from datetime import UTC, datetime
from typing import NamedTuple, cast

import httpx

from services.common.outcome import ErrorKind
from services.worker.egress import EgressPolicy
from services.worker.exchange import Exchange, ProbeFailure
from services.worker.http_protocol import HttpProtocol
from services.worker.resolver import ResolutionError, Resolver, literal

_PORTS = {"http": 80, "https": 443}


class Answer(NamedTuple):
    """What came back: the status code, the headers as they came, and the body as far as it was read."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class _Wire(NamedTuple):
    bytes: bytes
    host: str
    port: int
    secure: bool


def default_tls() -> ssl.SSLContext:
    """Verifies certificates against the authorities that httpx trusts; offers HTTP/1.1."""
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class ProbeTransport(httpx.AsyncBaseTransport):
    """Sends requests; needs a running event loop.

    Args:
        resolver: finds addresses.
        egress: says which of them may be dialled.
        tls: verifies https targets.
    """

    def __init__(self, resolver: Resolver, egress: EgressPolicy, tls: ssl.SSLContext | None = None) -> None:
        self._resolver = resolver
        self._egress = egress
        self._tls = tls or default_tls()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer.

        The body is cut off at 1 MiB in silence. Cancelling closes the connection at once.

        Raises:
            ProbeFailure: there was no usable answer; its kind says why.
        """
        answer = await self.exchange(request, Exchange())
        return httpx.Response(
            answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body), request=request
        )

    async def exchange(self, request: httpx.Request, exchange: Exchange) -> Answer:
        """The same for probes: a bare answer; tells an Exchange how far it came, even if it fails or is cancelled.

        Raises:
            ProbeFailure: there was no usable answer; its kind says why.
        """
        wire = _wire(request)
        addresses = await self._addresses(wire.host, exchange)
        protocol = HttpProtocol(asyncio.get_running_loop(), exchange, request.method)
        connection = await self._connect(protocol, addresses, wire.port, exchange)
        try:
            if wire.secure:
                connection = await self._handshake(connection, protocol, wire.host, exchange)
            connection.write(wire.bytes)
            protocol.sent()
            await protocol.done
        finally:
            connection.abort()
            if protocol.done.done() and not protocol.done.cancelled():
                protocol.done.exception()  # seen, even if a cancellation came first
        return Answer(protocol.status, protocol.headers, b"".join(protocol.body))

    async def _addresses(self, host: str, exchange: Exchange) -> list[str]:
        """The addresses of a host that may be dialled, in the order to try them."""
        address = literal(host)
        if address is not None:
            found: tuple[str, ...] = (address,)
        else:
            start = time.perf_counter_ns()
            try:
                found = await self._resolver.resolve(host)
            except ResolutionError as error:
                raise ProbeFailure(ErrorKind.DNS, str(error)) from error
            exchange.ended("dns", (time.perf_counter_ns() - start) // 1000)
        admitted = [address for address in found if self._egress.admits(address)]
        if not admitted:
            # Which address it was would tell an outsider about the inside.
            raise ProbeFailure(ErrorKind.BLOCKED_TARGET, "checks may not reach the address of this host")
        return admitted

    async def _connect(
        self, protocol: HttpProtocol, addresses: list[str], port: int, exchange: Exchange
    ) -> asyncio.Transport:
        """A connection to the first address that takes one."""
        loop = asyncio.get_running_loop()
        refusal: OSError | None = None
        for address in addresses:
            exchange.resolved_ip = address
            start = time.perf_counter_ns()
            try:
                connection, _ = await loop.create_connection(lambda: protocol, address, port)
            except OSError as error:
                refusal = error
                continue
            exchange.ended("connect", (time.perf_counter_ns() - start) // 1000)
            return connection
        reason = "was refused" if isinstance(refusal, ConnectionRefusedError) else "could not be made"
        raise ProbeFailure(ErrorKind.CONNECT_REFUSED, f"the connection {reason}") from refusal

    async def _handshake(
        self, connection: asyncio.Transport, protocol: HttpProtocol, host: str, exchange: Exchange
    ) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        start = time.perf_counter_ns()
        try:
            secured = await loop.start_tls(connection, protocol, self._tls, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            raise ProbeFailure(ErrorKind.TLS, f"the certificate is not valid: {error.verify_message}") from error
        except ssl.SSLError as error:
            reason = (error.reason or "protocol error").lower().replace("_", " ")
            raise ProbeFailure(ErrorKind.TLS, f"the TLS handshake failed: {reason}") from error
        except OSError as error:
            raise ProbeFailure(ErrorKind.TLS, "the server closed the connection in the TLS handshake") from error
        if secured is None:
            raise ProbeFailure(ErrorKind.TLS, "the server closed the connection in the TLS handshake")
        exchange.ended("tls", (time.perf_counter_ns() - start) // 1000)
        certificate = cast("dict[str, str] | None", secured.get_extra_info("peercert"))
        if certificate:
            seconds = ssl.cert_time_to_seconds(certificate["notAfter"])
            exchange.tls_not_after = datetime.fromtimestamp(seconds, UTC)
        return secured


def _wire(request: httpx.Request) -> _Wire:
    """What of a request goes over the wire, and where; kept on it, since a check sends the same one for ever."""
    kept: _Wire | None = request.extensions.get("wire")
    if kept is not None:
        return kept
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%s: %s" % pair for pair in request.headers.raw]
    if any(b"\r" in line or b"\n" in line for line in lines):
        # The contract refuses such headers; nothing that slipped through may smuggle a second request.
        raise ProbeFailure(ErrorKind.PROTOCOL, "the request has a line break in a header")
    url = request.url
    wire = request.extensions["wire"] = _Wire(
        b"\r\n".join(lines) + b"\r\nconnection: close\r\n\r\n" + request.content,
        url.raw_host.decode("ascii"),
        url.port or _PORTS[url.scheme],
        url.scheme == "https",
    )
    return wire
