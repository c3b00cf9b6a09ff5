"""Special-purpose networks of IPv4 and IPv6, and which of them checks may reach by default. Pure.

The list is kept here because `ipaddress.is_global` differs between versions of Python. A test compares it with IANA's
registries of special-purpose addresses. IANA's "globally reachable" is not enough to admit a network: an anycast
address can lead to the nearest server, which may be one inside the operator's own network.
"""

import ipaddress
from typing import NamedTuple, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LOCAL_TRANSLATION = ipaddress.IPv6Network("64:ff9b:1::/48")
"""The range of operators' own translation prefixes; the position of the IPv4 address depends on the operator."""
TRANSLATION_LENGTHS = (32, 40, 48, 56, 64, 96)
"""The allowed prefix lengths of translated addresses, in bits (RFC 6052 §2.2)."""

# In the low 32 bits: v4-compatible, v4-mapped, v4-translated (RFC 2765), NAT64.
_IN_LOW_BITS = tuple(
    ipaddress.IPv6Network(text) for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_NO_CARRIERS = frozenset({ipaddress.IPv6Address("::"), ipaddress.IPv6Address("::1")})
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_LOW_BITS = 0xFFFFFFFF


class SpecialNetwork(NamedTuple):
    """A network and the decision about it; of overlapping networks, the one with the longest prefix decides.

    Attributes:
        network: the network.
        admitted: whether checks may reach it without an operator's allowance.
        why: the use of the network, and the reason for the decision.
    """

    network: Network
    admitted: bool
    why: str


def _entries(*rows: tuple[str, bool, str]) -> tuple[SpecialNetwork, ...]:
    return tuple(SpecialNetwork(ipaddress.ip_network(cidr), admitted, why) for cidr, admitted, why in rows)


SPECIAL_NETWORKS = _entries(
    ("0.0.0.0/0", True, "everything else is global unicast"),
    ("0.0.0.0/8", False, "this network: Linux delivers 0.0.0.0 to the machine itself"),
    ("0.0.0.0/32", False, "this host"),
    ("10.0.0.0/8", False, "private use"),
    ("100.64.0.0/10", False, "shared address space: carriers, and the inside of some clouds"),
    ("127.0.0.0/8", False, "loopback"),
    ("169.254.0.0/16", False, "link-local, with it the metadata of clouds"),
    ("172.16.0.0/12", False, "private use"),
    ("192.0.0.0/24", False, "IETF protocol assignments"),
    ("192.0.0.0/29", False, "between the two ends of DS-Lite"),
    ("192.0.0.8/32", False, "dummy address, never a destination"),
    ("192.0.0.9/32", False, "PCP anycast: leads to the nearest NAT, which is the operator's own"),
    ("192.0.0.10/32", False, "TURN anycast: leads to the nearest relay, which may be the operator's own"),
    ("192.0.0.170/32", False, "discovery of NAT64, no host"),
    ("192.0.0.171/32", False, "discovery of NAT64, no host"),
    ("192.0.2.0/24", False, "documentation"),
    ("192.31.196.0/24", True, "AS112: public name servers"),
    ("192.52.193.0/24", False, "AMT anycast: leads to the nearest multicast relay, which may be the operator's own"),
    ("192.88.99.0/24", False, "relays of 6to4, deprecated: leads to the nearest one"),
    ("192.88.99.2/32", False, "relay of 6a44: leads to the nearest one"),
    ("192.168.0.0/16", False, "private use"),
    ("192.175.48.0/24", True, "AS112: public name servers"),
    ("198.18.0.0/15", False, "benchmarking, inside a laboratory"),
    ("198.51.100.0/24", False, "documentation"),
    ("203.0.113.0/24", False, "documentation"),
    ("224.0.0.0/4", False, "multicast: no single target"),
    ("240.0.0.0/4", False, "reserved (class E), which some networks use inside"),
    ("255.255.255.255/32", False, "broadcast"),
    ("::/0", False, "IANA has given out global unicast from 2000::/3 only; multicast and site-local are outside too"),
    ("::/128", False, "unspecified: Linux delivers it to the machine itself"),
    ("::1/128", False, "loopback"),
    ("::ffff:0:0/96", False, "v4-mapped: the kernel dials the IPv4 address inside"),
    ("64:ff9b::/96", True, "NAT64: the IPv4 address inside decides"),
    ("64:ff9b:1::/48", False, "NAT64 of the operator: a translation prefix has to say where the IPv4 address is"),
    ("100::/64", False, "discard-only"),
    ("100:0:0:1::/64", False, "dummy prefix, never a destination"),
    ("2000::/3", True, "global unicast"),
    ("2001::/23", False, "IETF protocol assignments"),
    ("2001::/32", False, "Teredo: a tunnel to an IPv4 address"),
    ("2001:1::1/128", False, "PCP anycast: leads to the nearest NAT, which is the operator's own"),
    ("2001:1::2/128", False, "TURN anycast: leads to the nearest relay, which may be the operator's own"),
    ("2001:1::3/128", False, "DNS-SD anycast: leads to the nearest registrar, which may be the operator's own"),
    ("2001:2::/48", False, "benchmarking, inside a laboratory"),
    ("2001:3::/32", False, "AMT anycast: leads to the nearest multicast relay, which may be the operator's own"),
    ("2001:4:112::/48", True, "AS112: public name servers"),
    ("2001:10::/28", False, "ORCHID, deprecated: identifiers that no router forwards"),
    ("2001:20::/28", False, "ORCHIDv2: identifiers that no router forwards"),
    ("2001:30::/28", False, "identifiers of drones that no router forwards"),
    ("2001:db8::/32", False, "documentation"),
    ("2002::/16", False, "6to4, deprecated: a tunnel to an IPv4 address"),
    ("2620:4f:8000::/48", True, "AS112: public name servers"),
    ("3fff::/20", False, "documentation"),
    ("5f00::/16", False, "SRv6 SIDs: instructions for the routers of one network"),
    ("fc00::/7", False, "unique local: the IPv6 counterpart of private use"),
    ("fe80::/10", False, "link-local"),
)
_BY_LENGTH = tuple(sorted(SPECIAL_NETWORKS, key=lambda each: each.network.prefixlen, reverse=True))


def special_network(address: Address) -> SpecialNetwork:
    """Return the entry that decides about an address: the one with the longest prefix."""
    return next(each for each in _BY_LENGTH if address in each.network)


def embedded_addresses(address: Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses embedded in a well-known form of IPv6 address: two for Teredo, else one or none."""
    if isinstance(address, ipaddress.IPv4Address) or address in _NO_CARRIERS:
        return ()
    bits = int(address)
    if any(address in network for network in _IN_LOW_BITS):
        return (ipaddress.IPv4Address(bits & _LOW_BITS),)
    if address in _SIX_TO_FOUR:
        return (ipaddress.IPv4Address(bits >> 80 & _LOW_BITS),)
    if address in _TEREDO:  # the server, followed by the client with its bits inverted (RFC 4380 §4)
        return ipaddress.IPv4Address(bits >> 64 & _LOW_BITS), ipaddress.IPv4Address(~bits & _LOW_BITS)
    return ()


def translated_address(address: Address, prefix: ipaddress.IPv6Network) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address in a translated address (RFC 6052 §2.2).

    Args:
        address: an address inside the prefix.
        prefix: a prefix with one of TRANSLATION_LENGTHS.

    Returns:
        The address; None if bits 64 to 71 are not zero, so it is not a translated address.
    """
    bits = int(address)
    if prefix.prefixlen == TRANSLATION_LENGTHS[-1]:
        return ipaddress.IPv4Address(bits & _LOW_BITS)
    if bits >> 56 & 0xFF:
        return None
    # Without the zero octet the IPv4 address follows the prefix directly.
    joined = (bits >> 64 << 56) | (bits & ((1 << 56) - 1))
    return ipaddress.IPv4Address(joined >> (120 - 32 - prefix.prefixlen) & _LOW_BITS)
