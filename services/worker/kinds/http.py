"""The HTTP probe: sends the request, follows redirects, and stores the last response in the observations."""

import time

from services.checks.outcome import ErrorKind
from services.checks.specs.http import HttpSpec
from services.wire.body import Body
from services.wire.cookies import Cookies, RequestTarget
from services.wire.http_exchange import exchange
from services.wire.http_request import (
    EncodedRequest,
    HttpRequest,
    encode_check_request,
    encode_request,
    initial_request,
)
from services.wire.http_response import ResponseReader
from services.wire.http_response_head import REDIRECTS
from services.wire.network import Network
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.wire.redirect import next_hop, origin, shown


class HttpProbe:
    """Makes attempts of an HTTP check.

    Args:
        spec: the request and the expectations.
    """

    __slots__ = ("_encoded_request", "_spec")

    def __init__(self, spec: HttpSpec) -> None:
        self._spec = spec
        self._encoded_request: EncodedRequest | None = None

    @property
    def encoded_request(self) -> EncodedRequest:
        """The first request of the check, serialized on first access.

        Raises:
            ProbeFailure: a header contains a line break.
        """
        if self._encoded_request is None:
            self._encoded_request = encode_check_request(self._spec)
        return self._encoded_request

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Send the request and follow redirects.

        Raises:
            ProbeFailure: there is no valid response; the kind is the reason.
            InternalProbeError: an internal error occurs.
        """
        spec = self._spec
        answer = await exchange(network, self._encoded_request or self.encoded_request, seen)
        if answer.status in REDIRECTS and spec.most_redirects:
            answer = await _follow(spec, network, answer, seen)
        reads_body = spec.reads_body
        if reads_body or spec.asserted:  # most checks test the status only
            seen.headers = answer.headers
        if reads_body:
            seen.body = Body(answer.headers, answer.body, truncated=answer.truncated)


async def _follow(spec: HttpSpec, network: Network, answer: ResponseReader, seen: Observation) -> ResponseReader:
    """Follow redirects, and return the last response."""
    first = hop = initial_request(spec)
    cookies = Cookies()
    elsewhere = spec.tls.without_server_name()
    while (following := next_hop(hop, answer.status, answer.headers, first)) is not None:
        if seen.redirects == spec.most_redirects:
            sentence = f"too many redirects, limit {spec.most_redirects}; last location: {shown(following.url)}"
            raise ProbeFailure(ErrorKind.TOO_MANY_REDIRECTS, sentence)
        cookies.store(_request_target(hop), answer.headers, time.time())
        hop = _with_cookies(following, cookies)
        tls = spec.tls if origin(hop.url) == origin(first.url) else elsewhere
        seen.next_hop()
        answer = await exchange(network, encode_request(hop, keep_body=spec.reads_body, follows=True, tls=tls), seen)
    return answer


def _with_cookies(hop: HttpRequest, cookies: Cookies) -> HttpRequest:
    own = "; ".join(value for name, value in hop.headers if name.lower() == "cookie")
    said = cookies.header(_request_target(hop), own)
    others = tuple(pair for pair in hop.headers if pair[0].lower() != "cookie")
    return hop._replace(headers=(*others, ("Cookie", said)) if said else others)


def _request_target(hop: HttpRequest) -> RequestTarget:
    """Return the page that sets and receives cookies; its host is that of the Host header, if there is one."""
    url = hop.url
    host = url.raw_host.decode("ascii")
    named = next((value for name, value in hop.headers if name.lower() == "host"), "")
    if named:
        host = named[1:].partition("]")[0] if named.startswith("[") else named.partition(":")[0]
    return RequestTarget(host.lower(), url.raw_path.partition(b"?")[0].decode("ascii"), url.scheme == "https")
