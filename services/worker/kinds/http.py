"""The HTTP probe: sends the request, follows redirects, and stores the last response in the observations."""

import time

from services.checks.outcome import ErrorKind
from services.checks.specs.http import HttpSpec
from services.wire.answer import AnswerReader
from services.wire.answer_head import REDIRECTS
from services.wire.body import Body
from services.wire.cookies import Cookies, Page
from services.wire.hop import Hop, Wire, first_hop, wire, wire_of
from services.wire.http_exchange import exchange
from services.wire.network import Network
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.wire.redirect import next_hop, origin, shown


class HttpProbe:
    """Makes attempts of an HTTP check.

    Args:
        spec: the request and the expectations.
    """

    __slots__ = ("_spec", "_wire")

    def __init__(self, spec: HttpSpec) -> None:
        self._spec = spec
        self._wire: Wire | None = None

    @property
    def wire(self) -> Wire:
        """The first request of the check, serialized on first access.

        Raises:
            ProbeFailure: a header contains a line break.
        """
        if self._wire is None:
            self._wire = wire_of(self._spec)
        return self._wire

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Send the request and follow redirects.

        Raises:
            ProbeFailure: there is no valid response; the kind is the reason.
            OwnTrouble: an internal error occurs.
        """
        spec = self._spec
        answer = await exchange(network, self._wire or self.wire, seen)
        if answer.status in REDIRECTS and spec.most_redirects:
            answer = await _follow(spec, network, answer, seen)
        reads_body = spec.reads_body
        if reads_body or spec.asserted:  # most checks test the status only
            seen.headers = answer.headers
        if reads_body:
            seen.body = Body(answer.headers, answer.body, truncated=answer.truncated)


async def _follow(spec: HttpSpec, network: Network, answer: AnswerReader, seen: Observation) -> AnswerReader:
    """Follow redirects, and return the last response."""
    first = hop = first_hop(spec)
    cookies = Cookies()
    elsewhere = spec.tls.elsewhere()
    while (following := next_hop(hop, answer.status, answer.headers, first)) is not None:
        if seen.redirects == spec.most_redirects:
            sentence = f"too many redirects, limit {spec.most_redirects}; last location: {shown(following.url)}"
            raise ProbeFailure(ErrorKind.TOO_MANY_REDIRECTS, sentence)
        cookies.take(_page(hop), answer.headers, time.time())
        hop = _with_cookies(following, cookies)
        tls = spec.tls if origin(hop.url) == origin(first.url) else elsewhere
        seen.next_hop()
        answer = await exchange(network, wire(hop, keep_body=spec.reads_body, follows=True, tls=tls), seen)
    return answer


def _with_cookies(hop: Hop, cookies: Cookies) -> Hop:
    own = "; ".join(value for name, value in hop.headers if name.lower() == "cookie")
    said = cookies.header(_page(hop), own)
    others = tuple(pair for pair in hop.headers if pair[0].lower() != "cookie")
    return hop._replace(headers=(*others, ("Cookie", said)) if said else others)


def _page(hop: Hop) -> Page:
    """Return the page that sets and receives cookies; its host is that of the Host header, if there is one."""
    url = hop.url
    host = url.raw_host.decode("ascii")
    named = next((value for name, value in hop.headers if name.lower() == "host"), "")
    if named:
        host = named[1:].partition("]")[0] if named.startswith("[") else named.partition(":")[0]
    return Page(host.lower(), url.raw_path.partition(b"?")[0].decode("ascii"), url.scheme == "https")
