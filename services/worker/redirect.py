"""Where an answer sends the probe next (RFC 9110 §15.4; semantics.md §22). Pure."""

from collections.abc import Sequence

import httpx

MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_SEE_OTHER = 303
# Headers that belong to the first origin: none of the caller's goes to another but these, which carry no secret.
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
_OF_THE_BODY = frozenset({"content-type", "content-encoding", "content-language", "content-length"})
_PORTS = {"http": 80, "https": 443}


def next_request(request: httpx.Request, status: int, answered: Sequence[tuple[bytes, bytes]]) -> httpx.Request | None:
    """The request that an answer (status, headers) asks for; None when it asks for none that can be made.

    When the origin changes, every header of the check but the harmless ones is left behind: a token may hide in any.
    """
    if status not in _REDIRECTS:
        return None
    location = next((value.decode("latin-1") for name, value in answered if name.lower() == b"location"), "")
    if not location:
        return None
    try:
        url = request.url.join(location)
    except httpx.InvalidURL:
        return None
    if url.scheme not in _PORTS or not url.host or url.userinfo:
        return None
    keep = status in _KEEP_METHOD
    method = request.method
    if not keep and method != "HEAD" and (status == _SEE_OTHER or method == "POST"):
        method = "GET"
    same_origin = _origin(url) == _origin(request.url)
    body_goes = method == request.method and same_origin
    headers = [
        (name, value)
        for name, value in request.headers.multi_items()
        if name != "host"
        and (same_origin or name in _HARMLESS)
        and (body_goes or name not in _OF_THE_BODY)
        and name != "content-length"
    ]
    return httpx.Request(
        method, url, headers=headers, content=request.content if body_goes and request.content else None
    )


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or _PORTS[url.scheme]
