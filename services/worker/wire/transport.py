"""The same way out under httpx's own client, for whatever is made for httpx (docs/adr/0002)."""

import httpx

from services.worker.wire.answer import LARGEST_BODY
from services.worker.wire.content_coding import decoded
from services.worker.wire.hop import Hop, wire
from services.worker.wire.http_exchange import exchange
from services.worker.wire.network import Network
from services.worker.wire.observation import Observation

# httpx's client sets these; a Hop has its own.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})
_UNDONE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class ProbeTransport(httpx.AsyncBaseTransport):
    """Sends requests, one fresh connection each.

    Args:
        network: the way.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer.

        The body is cut off at 1 MiB in silence. Cancelling closes the connection at once.

        Raises:
            ProbeFailure: there was no usable answer; its kind says why.
            OwnTrouble: for a reason of our own.
        """
        headers = tuple(pair for pair in request.headers.multi_items() if pair[0] not in _FRAMING)
        hop = Hop(method=request.method, url=request.url, headers=headers, body=await request.aread())
        answer = await exchange(self._network, wire(hop, keep_body=True), Observation())
        # Decoded here, within bounds: httpx would decode as much as comes.
        body, _ = decoded(answer.headers, answer.body, LARGEST_BODY, truncated=answer.truncated)
        headers_left = [pair for pair in answer.headers if pair[0].lower() not in _UNDONE]
        return httpx.Response(answer.status, headers=headers_left, stream=httpx.ByteStream(body), request=request)
