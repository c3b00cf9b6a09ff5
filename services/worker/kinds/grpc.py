"""The gRPC probe: calls `Check` of the standard health service and expects the status SERVING."""

from typing import NamedTuple, cast

from services.checks.specs.grpc import GrpcSpec
from services.checks.specs.places import Place, place_of
from services.checks.specs.tls_options import DEFAULT_TLS, TlsOptions
from services.wire.grpc_health import call, refuse_unless_serving, status_code
from services.wire.grpc_talk import GrpcTalk
from services.wire.hop import PORTS
from services.wire.link import Link
from services.wire.network import Network, TlsTarget
from services.wire.observation import Observation
from services.wire.secure import Engine, SecureLink
from services.wire.tls import HTTP_2


class Call(NamedTuple):
    """The prepared call of a check.

    Attributes:
        bytes: the bytes to send.
        place: host and port to connect to.
        tls: the options of verification; None for a connection without TLS.
        server_name: the name for SNI and for the verification of the certificate.
    """

    bytes: bytes
    place: Place
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
        self._call: Call | None = None

    @property
    def call(self) -> Call:
        """The call of the check, prepared on first access."""
        if self._call is None:
            self._call = call_of(self._spec)
        return self._call

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Call the health service and require the status SERVING.

        Raises:
            ProbeFailure: STATUS if the server returns another status, another kind if there is no valid response.
            OwnTrouble: an internal error occurs.
        """
        made = self.call
        link = await (_in_plain if made.tls is None else _under_tls)(made, network, seen)
        answer = cast("GrpcTalk", link.talk).answer
        seen.http_version, seen.body_bytes = "2", len(answer.body)
        seen.status_code = status_code(answer)
        refuse_unless_serving(seen.status_code, bytes(answer.body))


async def _in_plain(made: Call, network: Network, seen: Observation) -> Link:
    place = made.place

    def link_to(address: str) -> Link:
        return Link(address, place.port, seen, GrpcTalk(made.bytes, seen))

    link = await network.connect(place.host, place.address, seen, link_to)
    await link.ended()
    return link


async def _under_tls(made: Call, network: Network, seen: Observation) -> Link:
    place = made.place

    def link_to(address: str, engine: Engine) -> SecureLink:
        return SecureLink(address, place.port, seen, GrpcTalk(made.bytes, seen), engine, made.server_name)

    options = made.tls or DEFAULT_TLS
    server = TlsTarget(host=place.host, literal=place.address, port=place.port, options=options, protocol=HTTP_2)
    return await network.over_tls(server, seen, link_to)


def call_of(spec: GrpcSpec) -> Call:
    """Prepare the call of a check."""
    place = place_of(spec.address)
    host = f"[{place.host}]" if ":" in place.host else place.host
    is_own_port = place.port == PORTS["https" if spec.tls else "http"]
    return Call(
        call(spec.service, host if is_own_port else f"{host}:{place.port}", secure=spec.tls),
        place,
        spec.options if spec.tls else None,
        spec.server_name or place.host,
    )
