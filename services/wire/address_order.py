"""The order of a name's addresses for dialling (RFC 6724 §6). Pure, except that the kernel selects source addresses."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

_LINK_LOCAL, _SITE_LOCAL, _GLOBAL = 0x2, 0x5, 0xE
# The interface identifier of an address is unrelated to its distance (RFC 6724 §2.2).
_LONGEST_PREFIX = 64
# The default policy table (RFC 6724 §2.1): network, precedence, label.
_POLICY = [
    (ipaddress.IPv6Network(network), precedence, label)
    for network, precedence, label in (
        ("::1/128", 50, 0),
        ("::ffff:0:0/96", 35, 4),
        ("::/96", 1, 3),
        ("2001::/32", 5, 5),
        ("2002::/16", 30, 2),
        ("3ffe::/16", 1, 12),
        ("fec0::/10", 1, 11),
        ("fc00::/7", 3, 13),
        ("::/0", 40, 1),
    )
]
SourceOf = Callable[[str], str | None]
"""Returns the source address from which this machine would reach an address; None if it has no route."""


def source_of(address: str) -> str | None:
    """Return the source address that the kernel would use for an address; sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, 53))
            return str(asking.getsockname()[0])
    except OSError:
        return None


def in_order(addresses: Sequence[str], source: SourceOf = source_of) -> tuple[str, ...]:
    """Sort addresses by the rules 1, 2, 5, 6, 8 and 9, which depend only on their sources.

    Args:
        addresses: literal addresses.
        source: returns the source of an address.
    """
    if len(addresses) < 2:  # noqa: PLR2004 — nothing to sort
        return tuple(addresses)
    return tuple(sorted(addresses, key=lambda address: _rank(address, source(address))))


def _rank(address: str, source: str | None) -> tuple[bool, bool, bool, int, int, int]:
    to = _ipv6(address)
    precedence, label = _policy(to)
    scope = _scope(to)
    if source is None:
        return True, True, True, -precedence, scope, 0
    by = _ipv6(source)
    prefix = 0 if to.ipv4_mapped else min(_LONGEST_PREFIX, 128 - (int(to) ^ int(by)).bit_length())
    return False, scope != _scope(by), label != _policy(by)[1], -precedence, scope, -prefix


def _ipv6(address: str) -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address(address if ":" in address else f"::ffff:{address}")


def _policy(address: ipaddress.IPv6Address) -> tuple[int, int]:
    return next((precedence, label) for network, precedence, label in _POLICY if address in network)


def _scope(address: ipaddress.IPv6Address) -> int:
    mapped = address.ipv4_mapped
    if mapped is not None:
        return _LINK_LOCAL if mapped.is_loopback or mapped.is_link_local else _GLOBAL
    if address.is_multicast:
        return address.packed[1] & 0xF
    if address.is_link_local or address.is_loopback:
        return _LINK_LOCAL
    return _SITE_LOCAL if address.is_site_local else _GLOBAL
