"""Validation and normalization of the hosts in checks: host names and IP addresses. Pure."""

import ipaddress
import re
from functools import lru_cache

import idna

from services.platform.errors import InvalidArgument

_MOST_KNOWN = 16_384
_LONGEST = 253
# RFC 1123 §2.1 excludes underscores, but many names in use have them.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
# A host whose last label is a number is never a name: 127.1 must not be resolved by DNS (WHATWG URL §3.5).
_ENDS_IN_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\.?")
_NUMBER = re.compile(r"0x0*([0-9a-f]{0,8})|0+([0-7]{0,11})|([1-9][0-9]{0,9})")
_BASES = (16, 8, 10)
_PARTS = 4
_BYTE = 256


@lru_cache(maxsize=_MOST_KNOWN)
def ascii_host(host: str) -> str:
    """Return the normalized host: an address in its canonical form, a name in lower case and ASCII (IDNA 2008).

    Raises:
        ValueError: the text is neither an IP address nor a host name.
    """
    address = literal(host)
    if address is not None and "%" not in address:  # an IPv6 zone is meaningful on one machine only
        return address
    lowered = host.lower()
    name = lowered if lowered.isascii() else idna.encode(lowered).decode("ascii")  # IDNAError is a ValueError
    if _NAME.fullmatch(name) is None or len(name.removesuffix(".")) > _LONGEST or _ends_in_number(name):
        raise ValueError("neither an IP address nor a host name")
    return name


def is_loose_address(host: str) -> bool:
    """Return whether a host is a non-canonical IPv4 address, such as 127.1, which some parsers resolve as a name."""
    return literal(host) is None and _ends_in_number(host.lower())


def loose_address(host: str) -> str | None:
    """Return the canonical form of a non-canonical IPv4 address; None if the host is none.

    The host has one to four decimal, octal or hexadecimal numbers, of which the last one fills the remaining bytes
    (WHATWG URL §3.5). Browsers and curl parse such addresses the same way.
    """
    parts = host.lower().removesuffix(".").split(".")
    numbers = [number for number in map(_number, parts) if number is not None]
    if not len(parts) == len(numbers) <= _PARTS:
        return None
    *first, last = numbers
    if max(first, default=0) >= _BYTE or last >= _BYTE ** (_PARTS - len(first)):
        return None
    return str(ipaddress.IPv4Address(last + sum(number * _BYTE ** (3 - at) for at, number in enumerate(first))))


def _number(text: str) -> int | None:
    """Parse a hexadecimal, octal or decimal number; return None if it is invalid or too long."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    return next(
        int(digits or "0", base) for base, digits in zip(_BASES, found.groups(), strict=True) if digits is not None
    )


def _ends_in_number(name: str) -> bool:
    return _ENDS_IN_NUMBER.fullmatch(name.removesuffix(".").rpartition(".")[2]) is not None


@lru_cache(maxsize=_MOST_KNOWN)
def literal(host: str) -> str | None:
    """Return the canonical form of an IP address; None if the host is not an IP address."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def validate_host(host: str, field: str) -> None:
    """Refuse an invalid host. Names are not resolved.

    Raises:
        InvalidArgument: naming the field.
    """
    try:
        ascii_host(host)
    except ValueError as error:
        raise InvalidArgument.field(
            field, "must be a host name or an IP address without a port, such as db.example.com"
        ) from error
