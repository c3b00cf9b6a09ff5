"""The validation of URLs beyond the rules of the contract."""

import re

import httpx

from services.checks.specs.hosts import is_loose_address
from services.platform.errors import InvalidArgument

_HIGHEST_PORT = 65_535
_LONGEST_LABEL = 63
_LONGEST_HOST = 253
_PORTS = {"http": 80, "https": 443}
_NEVER_IN_A_NAME = re.compile(r"[^a-z0-9._-]")


def read_url(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """Parse a URL with a valid host and port.

    Args:
        text: an absolute URL; or a relative reference if there is a base.
        base: the URL to which a reference is relative.

    Raises:
        ValueError: the URL is invalid; the message is fit for an error of the field.
    """
    try:
        url = httpx.URL(text) if base is None else base.join(text)
    except (httpx.InvalidURL, ValueError) as error:
        if "IDNA" in str(error):  # httpx raises this for an invalid host name in another script only
            raise ValueError(
                "must have a host name that IDNA 2008 allows: no symbols, no full-width letters"
            ) from error
        raise ValueError("must be a valid URL") from error
    try:
        host = url.host
    except ValueError as error:  # idna.IDNAError is a ValueError
        raise ValueError("must have a host name that IDNA allows") from error
    if url.scheme in _PORTS and not host:
        raise ValueError("must contain a host")
    if url.port is not None and not 0 < url.port <= _HIGHEST_PORT:
        raise ValueError(f"must have a port from 1 to {_HIGHEST_PORT}; it has {url.port}")
    return url


def validate_url(url: str, field: str) -> None:
    """Refuse a URL that cannot be probed, beyond the contract's rules for scheme, host and characters.

    Raises:
        InvalidArgument: naming the field.
    """
    try:
        parsed = read_url(url)
    except ValueError as error:
        raise InvalidArgument.field(field, str(error)) from error
    if parsed.scheme not in _PORTS:
        raise InvalidArgument.field(field, "must begin with http:// or https://")
    if not _could_be_a_name(parsed.raw_host.decode("ascii")):
        raise InvalidArgument.field(
            field, "must have a host name of at most 253 characters, in labels of 1 to 63 characters"
        )
    if is_loose_address(parsed.host):
        raise InvalidArgument.field(field, "must contain the IP address in full, such as 192.0.2.1 or [2001:db8::1]")
    if parsed.userinfo:
        raise InvalidArgument.field(field, "must not contain credentials; use headers")
    if "%" in parsed.host and ":" in parsed.host:
        raise InvalidArgument.field(field, "must not contain an IPv6 zone")
    if ":" not in parsed.host and _NEVER_IN_A_NAME.search(parsed.raw_host.decode("ascii")):
        raise InvalidArgument.field(field, "must have a host name of letters, digits, hyphens, underscores and dots")


def _could_be_a_name(host: str) -> bool:
    """Return whether a host is an address or a name within the limits of DNS (RFC 1035 §2.3.4)."""
    name = host.removesuffix(".")
    labels = name.split(".")
    return len(name) <= _LONGEST_HOST and all(0 < len(label) <= _LONGEST_LABEL for label in labels)


def origin_of(url: str) -> str:
    """Return the origin of a URL: scheme, host and port (RFC 6454 §4); the text itself if it is not a URL."""
    try:
        parsed = read_url(url)
    except ValueError:
        return url
    return f"{parsed.scheme}://{parsed.host}:{parsed.port or _PORTS.get(parsed.scheme, '')}"
