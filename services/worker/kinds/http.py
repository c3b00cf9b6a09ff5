"""HTTP: a request, its redirects, and what came at the end of them."""

from services.common.outcome import ErrorKind
from services.common.specs.http import HttpSpec
from services.worker.judging.facts import Facts
from services.worker.wire.body import Body
from services.worker.wire.hop import first_hop, wire, wire_of
from services.worker.wire.http_exchange import Answer, exchange
from services.worker.wire.network import Network
from services.worker.wire.observation import Observation
from services.worker.wire.probe_failure import ProbeFailure
from services.worker.wire.redirect import MOST_REDIRECTS, REDIRECTS, next_hop, origin


class Http:
    """Makes attempts of HTTP checks."""

    async def attempt(self, spec: HttpSpec, network: Network, seen: Observation) -> Facts:
        """Send the request and follow its redirects.

        Raises:
            ProbeFailure: there was no usable answer; its kind says why.
            OwnTrouble: for a reason of our own.
        """
        answer = await exchange(network, wire_of(spec), seen)
        if spec.follow_redirects and answer.status in REDIRECTS:
            answer = await _follow(spec, network, answer, seen)
        body = Body(answer.headers, answer.body, truncated=answer.truncated) if spec.reads_body else None
        return Facts(answer.status, answer.headers, body)


async def _follow(spec: HttpSpec, network: Network, answer: Answer, seen: Observation) -> Answer:
    """The answer at the end of all redirects."""
    hop, tls = first_hop(spec), spec.tls
    while (following := next_hop(hop, answer.status, answer.headers)) is not None:
        if seen.redirects == MOST_REDIRECTS:
            raise ProbeFailure(ErrorKind.TOO_MANY_REDIRECTS, f"more than {MOST_REDIRECTS} redirects")
        if origin(following.url) != origin(hop.url):
            tls = tls.elsewhere()
        hop = following
        seen.next_hop()
        answer = await exchange(network, wire(hop, keep_body=spec.reads_body, tls=tls), seen)
    return answer
