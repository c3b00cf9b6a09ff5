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
from services.worker.judging.facts import Facts


class _Call(NamedTuple):
    """A check's call, made once and kept with it.

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


class Grpc:
    """Makes attempts of gRPC checks."""

    async def attempt(self, spec: GrpcSpec, network: Network, seen: Observation) -> Facts:
        """Call, and look at what comes back.

        Raises:
            ProbeFailure: STATUS when the server says anything but SERVING; or there was no usable answer.
            OwnTrouble: for a reason of our own.
        """
        made = _call(spec)
        link = await (_in_plain if made.tls is None else _under_tls)(made, network, seen)
        answer = cast("GrpcTalk", link.talk).answer
        seen.http_version, seen.body_bytes = "2", len(answer.body)
        seen.status_code = status_code(answer)
        refuse_unless_serving(seen.status_code, bytes(answer.body))
        return Facts(seen.status_code)


async def _in_plain(made: _Call, network: Network, seen: Observation) -> Link:
    place = made.place

    def link_to(address: str) -> Link:
        return Link(address, place.port, seen, GrpcTalk(made.bytes, seen))

    link = await network.connect(place.host, place.address, seen, link_to)
    await link.ended()
    return link


async def _under_tls(made: _Call, network: Network, seen: Observation) -> Link:
    place = made.place

    def link_to(address: str, engine: Engine) -> SecureLink:
        return SecureLink(address, place.port, seen, GrpcTalk(made.bytes, seen), engine, made.server_name)

    options = made.tls or DEFAULT_TLS
    server = TlsTarget(host=place.host, literal=place.address, port=place.port, options=options, protocol=HTTP_2)
    return await network.over_tls(server, seen, link_to)


def _call(spec: GrpcSpec) -> _Call:
    kept = spec.kept
    if not isinstance(kept, _Call):
        place = place_of(spec.address)
        host = f"[{place.host}]" if ":" in place.host else place.host
        is_own_port = place.port == PORTS["https" if spec.tls else "http"]
        kept = _Call(
            call(spec.service, host if is_own_port else f"{host}:{place.port}", secure=spec.tls),
            place,
            spec.options if spec.tls else None,
            spec.server_name or place.host,
        )
        spec.keep(kept)
    return kept
