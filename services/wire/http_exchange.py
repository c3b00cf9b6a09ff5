"""One HTTP request and its response, without objects of httpx (docs/adr/0002)."""

from typing import cast

from services.checks.specs.tls_options import DEFAULT_TLS
from services.wire.connection import Connection
from services.wire.http_handler import HttpHandler
from services.wire.http_request import EncodedRequest
from services.wire.http_response import ResponseReader
from services.wire.network import Network, TlsTarget
from services.wire.observation import Observation
from services.wire.tls import HTTP
from services.wire.tls_connection import Engine, TlsConnection
from services.wire.watched_tls import OpenSsl


async def exchange(network: Network, request: EncodedRequest, seen: Observation) -> ResponseReader:
    """Send a request and read its response over a fresh connection; close it at once when cancelled.

    Args:
        network: resolves, vets and connects.
        request: the encoded request with its destination.
        seen: receives the progress, also of a failed or cancelled exchange.

    Raises:
        ProbeFailure: there is no usable response.
        InternalProbeError: the monitor itself failed.
    """
    connection = await (_in_plain if request.tls is None else _under_tls)(network, request, seen)
    return cast("HttpHandler", connection.handler).answer


async def _in_plain(network: Network, request: EncodedRequest, seen: Observation) -> Connection:
    def connection_to(address: str) -> Connection:
        return Connection(address, request.port, seen, HttpHandler(request, seen))

    connection = await network.connect(request.host, request.address, seen, connection_to)
    await connection.wait_closed()
    return connection


async def _under_tls(network: Network, request: EncodedRequest, seen: Observation) -> Connection:
    options = request.tls or DEFAULT_TLS

    def connection_to(address: str, engine: Engine) -> TlsConnection:
        return TlsConnection(address, request.port, seen, HttpHandler(request, seen), engine, request.server_name)

    if request.certificate is None:
        server = TlsTarget(
            host=request.host, literal=request.address, port=request.port, options=options, protocol=HTTP
        )
        return await network.over_tls(server, seen, connection_to)
    context = await network.tls.with_client_certificate(options, request.certificate, seen.off_loop)
    connection = await network.connect(
        request.host, request.address, seen, lambda address: connection_to(address, OpenSsl(context))
    )
    await connection.wait_closed()
    return connection
