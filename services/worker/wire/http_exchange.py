"""One HTTP request out, its answer in: no object of httpx's on the way (docs/adr/0002)."""

import ssl
from typing import cast

from services.worker.wire.answer import AnswerReader
from services.worker.wire.hop import Wire
from services.worker.wire.http_talk import HttpTalk
from services.worker.wire.link import Link
from services.worker.wire.network import Network
from services.worker.wire.observation import Observation
from services.worker.wire.secure import SecureLink


async def exchange(network: Network, request: Wire, seen: Observation) -> AnswerReader:
    """Send a request and read its answer over a fresh connection; cancelling closes it at once.

    Args:
        network: the way.
        request: what to send, and where.
        seen: told how far it came, even if it fails or is cancelled.

    Raises:
        ProbeFailure: there was no usable answer; its kind says why.
        OwnTrouble: for a reason of our own.
    """
    context = await _context(network, request, seen)

    def link_to(address: str) -> Link:
        talk = HttpTalk(request, seen)
        if context is None:
            return Link(address, request.port, seen, talk)
        return SecureLink(address, request.port, seen, talk, context, request.server_name)

    link = await network.connect(request.host, request.address, seen, link_to)
    await link.ended()
    return cast("HttpTalk", link.talk).answer


async def _context(network: Network, request: Wire, seen: Observation) -> ssl.SSLContext | None:
    if request.tls is None or request.certificate is None:
        return None if request.tls is None else network.tls.of(request.tls)
    return await network.tls.showing(request.tls, request.certificate, seen.off_loop)
