"""Where an answer sends the probe next (RFC 9110 §15.4; semantics.md §22). Pure."""

from collections.abc import Sequence

import httpx

from services.common.outcome import ErrorKind
from services.common.specs.urls import read_url
from services.worker.wire.hop import PORTS, Hop
from services.worker.wire.probe_failure import ProbeFailure

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_SEE_OTHER = 303
# Headers that belong to the first origin: none of the caller's goes to another but these, which carry no secret.
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
_OF_THE_BODY = frozenset({"content-type", "content-encoding", "content-language"})


def next_hop(hop: Hop, status: int, answered: Sequence[tuple[bytes, bytes]]) -> Hop | None:
    """The request that an answer (status, headers) asks for; None when it asks for none that the probe makes.

    When the origin changes, every header of the check but the harmless ones is left behind, since a token may hide in
    any, and so is the client certificate.

    Raises:
        ProbeFailure: PROTOCOL, when it names a URL, a host or a port that is none.
    """
    if status not in REDIRECTS:
        return None
    location = next((value.decode("latin-1") for name, value in answered if name.lower() == b"location"), "")
    if not location:
        return None
    try:
        url = read_url(location, hop.url)
    except ValueError as error:
        raise ProbeFailure(ErrorKind.PROTOCOL, f"the redirect cannot be followed: its location {error}") from None
    if url.scheme not in PORTS or url.userinfo:
        return None
    method = hop.method
    if status not in _KEEP_METHOD and method != "HEAD" and (status == _SEE_OTHER or method == "POST"):
        method = "GET"
    same_origin = origin(url) == origin(hop.url)
    body_goes = method == hop.method and same_origin
    headers = tuple(
        (name, value)
        for name, value in hop.headers
        if name.lower() != "host"
        and (same_origin or name.lower() in _HARMLESS)
        and (body_goes or name.lower() not in _OF_THE_BODY)
    )
    return Hop(
        method=method,
        url=url,
        headers=headers,
        body=hop.body if body_goes else b"",
        certificate=hop.certificate if same_origin else None,
    )


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port, which make an origin (RFC 6454 §4)."""
    return url.scheme, url.raw_host.decode("ascii"), url.port or PORTS[url.scheme]
