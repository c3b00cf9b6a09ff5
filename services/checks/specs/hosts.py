"""Hosts as checks name them: which can be dialled, and how they are called on the wire. Pure."""

import ipaddress
import re
from functools import lru_cache

import idna

from services.platform.errors import InvalidArgument

_MOST_KNOWN = 16_384
_LONGEST = 253
# Underscores are in no host's name by RFC 1123 §2.1, and in many names that are in use.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
# What ends so is an address or nothing: no name server may be asked for 127.1 (WHATWG URL §3.5).
_ENDS_IN_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\.?")
_NUMBER = re.compile(r"0x0*([0-9a-f]{0,8})|0+([0-7]{0,11})|([1-9][0-9]{0,9})")
_BASES = (16, 8, 10)
_PARTS = 4
_BYTE = 256


@lru_cache(maxsize=_MOST_KNOWN)
def ascii_host(host: str) -> str:
    """A host as it is looked up and asked for: an address in its canonical text, a name in lower case and IDNA 2008.

    Raises:
        ValueError: it is neither an IP address nor a host name.
    """
    address = literal(host)
    if address is not None and "%" not in address:  # with a zone it would be this machine's alone
        return address
    lowered = host.lower()
    name = lowered if lowered.isascii() else idna.encode(lowered).decode("ascii")  # IDNAError is a ValueError
    if _NAME.fullmatch(name) is None or len(name.removesuffix(".")) > _LONGEST or _ends_in_number(name):
        raise ValueError("neither an IP address nor a host name")
    return name


def is_loose_address(host: str) -> bool:
    """Whether a host is an address in a form that some parsers take and others look up as a name: 127.1, 0x7f000001."""
    return literal(host) is None and _ends_in_number(host.lower())


def loose_address(host: str) -> str | None:
    """Return the IPv4 address that browsers and curl take such a host for, in its canonical text; None if they do not.

    One to four numbers, decimal, octal or hexadecimal, of which the last one fills the rest (WHATWG URL §3.5).
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
    """A part of a loose address: hexadecimal, octal or decimal; None if it is none, or too large."""
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
    """The host itself, in its canonical text, if it is an address; else None."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def refuse_bad_host(host: str, field: str) -> None:
    """Refuse a host that could not be dialled; no name is looked up.

    Raises:
        InvalidArgument: naming the field.
    """
    try:
        ascii_host(host)
    except ValueError as error:
        raise InvalidArgument.field(
            field, "must be a host name or an IP address without a port, such as db.example.com"
        ) from error
