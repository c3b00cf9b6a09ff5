"""One HTTP request and its response, without objects of httpx (docs/adr/0002)."""

from typing import cast

from services.checks.specs.tls_options import DEFAULT_TLS
from services.wire.answer import AnswerReader
from services.wire.hop import Wire
from services.wire.http_talk import HttpTalk
from services.wire.link import Link
from services.wire.network import Network, TlsTarget
from services.wire.observation import Observation
from services.wire.secure import Engine, SecureLink
from services.wire.tls import HTTP
from services.wire.watched_tls import OpenSsl


async def exchange(network: Network, request: Wire, seen: Observation) -> AnswerReader:
    """Send a request and read its response over a fresh connection; close it at once when cancelled.

    Args:
        network: resolves, vets and connects.
        request: the encoded request with its destination.
        seen: receives the progress, also of a failed or cancelled exchange.

    Raises:
        ProbeFailure: there is no usable response.
        OwnTrouble: the monitor itself failed.
    """
    link = await (_in_plain if request.tls is None else _under_tls)(network, request, seen)
    return cast("HttpTalk", link.talk).answer


async def _in_plain(network: Network, request: Wire, seen: Observation) -> Link:
    def link_to(address: str) -> Link:
        return Link(address, request.port, seen, HttpTalk(request, seen))

    link = await network.connect(request.host, request.address, seen, link_to)
    await link.ended()
    return link


async def _under_tls(network: Network, request: Wire, seen: Observation) -> Link:
    options = request.tls or DEFAULT_TLS

    def link_to(address: str, engine: Engine) -> SecureLink:
        return SecureLink(address, request.port, seen, HttpTalk(request, seen), engine, request.server_name)

    if request.certificate is None:
        server = TlsTarget(
            host=request.host, literal=request.address, port=request.port, options=options, protocol=HTTP
        )
        return await network.over_tls(server, seen, link_to)
    context = await network.tls.showing(options, request.certificate, seen.off_loop)
    link = await network.connect(
        request.host, request.address, seen, lambda address: link_to(address, OpenSsl(context))
    )
    await link.ended()
    return link
