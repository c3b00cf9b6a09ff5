"""The probe's transport: one fresh connection a request, each step timed, the target vetted where it is dialled.

An httpx.AsyncBaseTransport, so that anything made for httpx can send through it; probes call `exchange` and pass no
object of httpx's (docs/adr/0002).
"""

import time
from typing import NamedTuple

import httpx

from services.common.outcome import ErrorKind
from services.worker.answer import LARGEST_BODY
from services.worker.connection import Connection
from services.worker.content_coding import decoded
from services.worker.dial import dial
from services.worker.egress import EgressPolicy
from services.worker.exchange import Observation, ProbeFailure
from services.worker.hop import Hop, Wire, wire
from services.worker.own_trouble import OwnTrouble
from services.worker.resolver import NoNameServer, ResolutionError, Resolver
from services.worker.secure import SecureConnection
from services.worker.tls import TlsContexts

# httpx's client sets these; a Hop has its own.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})
_UNDONE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class Answer(NamedTuple):
    """What came back.

    Attributes:
        status: the status code.
        headers: as they came.
        body: as it came over the wire, still encoded, as far as it was read; empty when nobody looks at it.
        truncated: whether the body was cut off at the limit.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytearray
    truncated: bool


class ProbeTransport(httpx.AsyncBaseTransport):
    """Sends requests; needs a running event loop.

    Args:
        resolver: finds addresses.
        egress: says which of them may be dialled.
        tls: verifies https targets.
    """

    def __init__(self, resolver: Resolver, egress: EgressPolicy, tls: TlsContexts | None = None) -> None:
        self._resolver = resolver
        self._egress = egress
        self._tls = tls or TlsContexts()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer.

        The body is cut off at 1 MiB in silence. Cancelling closes the connection at once.

        Raises:
            ProbeFailure: there was no usable answer; its kind says why.
            OwnTrouble: for a reason of our own.
        """
        headers = tuple(pair for pair in request.headers.multi_items() if pair[0] not in _FRAMING)
        hop = Hop(request.method, request.url, headers, await request.aread())
        answer = await self.exchange(wire(hop, keep_body=True), Observation())
        # Decoded here, within bounds: httpx would decode as much as comes.
        body, _ = decoded(answer.headers, answer.body, LARGEST_BODY, truncated=answer.truncated)
        headers_left = [pair for pair in answer.headers if pair[0].lower() not in _UNDONE]
        return httpx.Response(answer.status, headers=headers_left, stream=httpx.ByteStream(body), request=request)

    async def exchange(self, request: Wire, seen: Observation) -> Answer:
        """Send a request and read its answer; tells an Observation how far it came, even if it fails or is cancelled.

        Raises:
            ProbeFailure: there was no usable answer; its kind says why.
            OwnTrouble: for a reason of our own.
        """
        found = (request.address,) if request.address is not None else await self._resolve(request.host, seen)
        admitted = [address for address in found if self._egress.admits(address)]
        if not admitted:
            # Which address it was would tell an outsider about the inside.
            raise ProbeFailure(ErrorKind.BLOCKED_TARGET, "checks may not reach the address of this host")
        connection = await dial([self._connection(address, request, seen) for address in admitted])
        await connection.ended()
        answer = connection.answer
        return Answer(answer.status, answer.headers, answer.body, answer.truncated)

    def _connection(self, address: str, request: Wire, seen: Observation) -> Connection:
        if request.tls is None:
            return Connection(address, request, seen)
        return SecureConnection(address, request, seen, self._tls.of(request.tls))

    async def _resolve(self, host: str, seen: Observation) -> tuple[str, ...]:
        """The literal addresses of a host, in the order to try them."""
        start = time.perf_counter_ns()
        try:
            found = await self._resolver.resolve(host)
        except NoNameServer as error:
            raise OwnTrouble(str(error)) from error
        except ResolutionError as error:
            raise ProbeFailure(ErrorKind.DNS, str(error)) from error
        seen.dns_us = (time.perf_counter_ns() - start) // 1000
        if seen.on_phase is not None:
            seen.on_phase("dns", seen.dns_us)
        return found
