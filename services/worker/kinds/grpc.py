"""The gRPC probe: calls `Check` of the standard health service and expects the status SERVING."""

from typing import NamedTuple, cast

from services.checks.specs.endpoints import Endpoint, parse_endpoint
from services.checks.specs.grpc import GrpcSpec
from services.checks.specs.tls_options import DEFAULT_TLS, TlsOptions
from services.wire.connection import Connection
from services.wire.grpc_handler import GrpcHandler
from services.wire.grpc_health import call, refuse_unless_serving, status_code
from services.wire.http_request import PORTS
from services.wire.network import Network, TlsTarget
from services.wire.observation import Observation
from services.wire.tls import HTTP_2
from services.wire.tls_connection import Engine, TlsConnection


class GrpcCall(NamedTuple):
    """The prepared call of a check.

    Attributes:
        bytes: the bytes to send.
        endpoint: host and port to connect to.
        tls: the options of verification; None for a connection without TLS.
        server_name: the name for SNI and for the verification of the certificate.
    """

    bytes: bytes
    endpoint: Endpoint
    tls: TlsOptions | None
    server_name: str


class GrpcProbe:
    """Makes attempts of a gRPC check.

    Args:
        spec: the address, the service and the TLS options.
    """

    __slots__ = ("_call", "_spec")

    def __init__(self, spec: GrpcSpec) -> None:
        self._spec = spec
        self._call: GrpcCall | None = None

    @property
    def call(self) -> GrpcCall:
        """The call of the check, prepared on first access."""
        if self._call is None:
            self._call = call_of(self._spec)
        return self._call

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Call the health service and require the status SERVING.

        Raises:
            ProbeFailure: STATUS if the server returns another status, another kind if there is no valid response.
            InternalProbeError: an internal error occurs.
        """
        made = self.call
        connection = await (_in_plain if made.tls is None else _under_tls)(made, network, seen)
        answer = cast("GrpcHandler", connection.handler).answer
        seen.http_version, seen.body_bytes = "2", len(answer.body)
        seen.status_code = status_code(answer)
        refuse_unless_serving(seen.status_code, bytes(answer.body))


async def _in_plain(made: GrpcCall, network: Network, seen: Observation) -> Connection:
    endpoint = made.endpoint

    def connection_to(address: str) -> Connection:
        return Connection(address, endpoint.port, seen, GrpcHandler(made.bytes, seen))

    connection = await network.connect(endpoint.host, endpoint.address, seen, connection_to)
    await connection.wait_closed()
    return connection


async def _under_tls(made: GrpcCall, network: Network, seen: Observation) -> Connection:
    endpoint = made.endpoint

    def connection_to(address: str, engine: Engine) -> TlsConnection:
        return TlsConnection(address, endpoint.port, seen, GrpcHandler(made.bytes, seen), engine, made.server_name)

    options = made.tls or DEFAULT_TLS
    server = TlsTarget(
        host=endpoint.host, literal=endpoint.address, port=endpoint.port, options=options, protocol=HTTP_2
    )
    return await network.over_tls(server, seen, connection_to)


def call_of(spec: GrpcSpec) -> GrpcCall:
    """Prepare the call of a check."""
    endpoint = parse_endpoint(spec.address)
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    is_own_port = endpoint.port == PORTS["https" if spec.tls else "http"]
    return GrpcCall(
        call(spec.service, host if is_own_port else f"{host}:{endpoint.port}", secure=spec.tls),
        endpoint,
        spec.options if spec.tls else None,
        spec.server_name or endpoint.host,
    )
