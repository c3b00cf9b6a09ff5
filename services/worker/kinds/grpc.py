"""gRPC: one call of the server's health service, and whether it says that it serves."""

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
    """A check's call.

    Attributes:
        bytes: what is sent.
        place: where to connect.
        tls: how the server is verified; None for a plain connection.
        server_name: what its certificate must be for.
    """

    bytes: bytes
    place: Place
    tls: TlsOptions | None
    server_name: str


class GrpcProbe:
    """Makes attempts of a gRPC check.

    Args:
        spec: what to call.
    """

    __slots__ = ("_call", "_spec")

    def __init__(self, spec: GrpcSpec) -> None:
        self._spec = spec
        self._call: Call | None = None

    @property
    def call(self) -> Call:
        """The check's call, made when it is first asked for."""
        if self._call is None:
            self._call = call_of(self._spec)
        return self._call

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Call, and look at what comes back.

        Raises:
            ProbeFailure: STATUS when the server says anything but SERVING; or there was no usable answer.
            OwnTrouble: for a reason of our own.
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
    """Return the call that a check makes."""
    place = place_of(spec.address)
    host = f"[{place.host}]" if ":" in place.host else place.host
    is_own_port = place.port == PORTS["https" if spec.tls else "http"]
    return Call(
        call(spec.service, host if is_own_port else f"{host}:{place.port}", secure=spec.tls),
        place,
        spec.options if spec.tls else None,
        spec.server_name or place.host,
    )
