"""Parsing of a host with an optional port: "api.acme.test:443", "192.0.2.53", "[2001:db8::1]:53". Pure."""

from typing import NamedTuple

from services.checks.specs.hosts import ascii_host, literal
from services.platform.errors import InvalidArgument

_HIGHEST_PORT = 65_535
_MOST_DIGITS = 5


class Endpoint(NamedTuple):
    """A host and a port to connect to.

    Attributes:
        host: a name in ASCII and lower case without a trailing dot, or an address.
        address: the host if it is an address, else None.
        port: from 1 to 65535.
    """

    host: str
    address: str | None
    port: int


def parse_endpoint(text: str, port: int | None = None) -> Endpoint:
    """Parse a host with an optional port.

    Args:
        text: the host, with or without a port.
        port: the default port; None if the text has to contain one.

    Raises:
        ValueError: the text is invalid; the message is fit for an error of the field.
    """
    host, digits = split_endpoint(text)
    if digits is not None:
        readable = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
        port = int(digits) if readable else 0
    if port is None:
        raise ValueError("must be a host and a port, such as api.example.com:443")
    if not 0 < port <= _HIGHEST_PORT:
        raise ValueError(f"must have a port from 1 to {_HIGHEST_PORT}")
    try:
        name = ascii_host(host).removesuffix(".")
    except ValueError as error:
        raise ValueError("must be a host name or an IP address") from error
    return Endpoint(name, literal(name), port)


def split_endpoint(text: str) -> tuple[str, str | None]:
    """Split a text into host and port, None without a port; an IPv6 address with a port has to be in brackets.

    Raises:
        ValueError: the brackets do not contain an IPv6 address; the message is fit for an error of the field.
    """
    if text.startswith("["):
        inside, closed, behind = text[1:].partition("]")
        if not closed or ":" not in inside or (behind and not behind.startswith(":")):
            raise ValueError("must have an IPv6 address in brackets, followed by nothing or by a port")
        return inside, behind[1:] if behind else None
    if text.count(":") > 1:
        return text, None
    host, colon, digits = text.partition(":")
    return host, digits if colon else None


def validate_endpoint(text: str, field: str, port: int | None = None) -> None:
    """Refuse a text that is not a host with an optional port.

    Args:
        text: the host, with or without a port.
        field: the path of the field in the request.
        port: the default port; None if the text has to contain one.

    Raises:
        InvalidArgument: naming the field.
    """
    try:
        parse_endpoint(text, port)
    except ValueError as error:
        raise InvalidArgument.field(field, str(error)) from error
