"""Which URLs can be probed, beyond what the contract's rules see."""

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
    """Return a URL whose host and port can be dialled.

    Args:
        text: the URL, or a reference to one where there is a base.
        base: what a reference is relative to.

    Raises:
        ValueError: it is none; the message is a phrase for its author.
    """
    try:
        url = httpx.URL(text) if base is None else base.join(text)
    except (httpx.InvalidURL, ValueError) as error:
        if "IDNA" in str(error):  # of httpx's reasons the only one about a host in another script
            raise ValueError(
                "must have a host name that IDNA 2008 allows: no symbols, no full-width letters"
            ) from error
        raise ValueError("must be a valid URL") from error
    try:
        host = url.host
    except ValueError as error:  # idna's errors are among them
        raise ValueError("must have a host name that IDNA allows") from error
    if url.scheme in _PORTS and not host:
        raise ValueError("must contain a host")
    if url.port is not None and not 0 < url.port <= _HIGHEST_PORT:
        raise ValueError(f"must have a port from 1 to {_HIGHEST_PORT}; it has {url.port}")
    return url


def refuse_bad_url(url: str, field: str) -> None:
    """Refuse a URL that the probe could not dial; the contract has seen to its scheme, host and characters already.

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
    """Whether a name server can be asked for it (RFC 1035 §2.3.4), or it is an address."""
    name = host.removesuffix(".")
    labels = name.split(".")
    return len(name) <= _LONGEST_HOST and all(0 < len(label) <= _LONGEST_LABEL for label in labels)


def origin_of(url: str) -> str:
    """Scheme, host and port, which make an origin (RFC 6454 §4); of what is no URL, itself."""
    try:
        parsed = read_url(url)
    except ValueError:
        return url
    return f"{parsed.scheme}://{parsed.host}:{parsed.port or _PORTS.get(parsed.scheme, '')}"
