"""Which URLs can be probed, beyond what the contract's rules see."""

import httpx

from services.common.errors import InvalidArgument

_HIGHEST_PORT = 65_535
_PORTS = {"http": 80, "https": 443}


def refuse_bad_url(url: str, field: str) -> None:
    """Refuse a URL that the probe could not dial; the contract has seen to its scheme, host and characters already.

    Raises:
        InvalidArgument: naming the field.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidArgument.field(field, "is not a URL that can be requested") from error
    if parsed.scheme not in {"http", "https"}:
        raise InvalidArgument.field(field, "must begin with http:// or https://")
    if parsed.userinfo:
        raise InvalidArgument.field(field, "must not carry credentials; use headers")
    if not parsed.host or (parsed.port is not None and not 0 < parsed.port <= _HIGHEST_PORT):
        raise InvalidArgument.field(field, "must name a host, and a port from 1 to 65535 if any")


def origin_of(url: str) -> str:
    """Scheme, host and port, which make an origin (RFC 6454 §4); of what is no URL, itself."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return url
    return f"{parsed.scheme}://{parsed.host}:{parsed.port or _PORTS.get(parsed.scheme, '')}"
