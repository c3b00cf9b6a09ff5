"""The origin of a call, for the audit log, the list of sessions and the rate limits."""

import ipaddress
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import unquote

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

IPV6_PREFIX = 64
"""A network provider gives each IPv6 client at least this network, so limits treat it as one client."""

_FORWARDED = "x-forwarded-for"
_MOST_HOPS = 50
_LONGEST_CLIENT = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """The sender of a call.

    Attributes:
        address: the client's IP address; empty if unknown.
        client: the user agent, truncated and without control characters.
        request_id: the id that connects a response with the log.
    """

    address: str
    client: str
    request_id: str


_current: ContextVar[Origin] = ContextVar("origin")


def set_origin(origin: Origin) -> None:
    """Set the origin of this call."""
    _current.set(origin)


def current_origin() -> Origin:
    """Return the origin of this call."""
    return _current.get()


def origin_of(peer: str, metadata: Mapping[str, str], request_id: str, proxies: Sequence[Network]) -> Origin:
    """Return the origin of a call.

    The header x-forwarded-for counts only if the peer is on a Unix socket, which only Envoy uses, or in a trusted
    network. Its addresses are read from the right, the order in which proxies add them: the first one that is in no
    trusted network is the client's. Entries to the left of it can be forged. Envoy follows the same rule. An entry that
    is not an address ends the search: the client is then the proxy that forwarded it.

    Args:
        peer: the peer of the connection, in grpc's notation.
        metadata: the metadata of the call.
        request_id: the id of the call.
        proxies: the networks whose x-forwarded-for is trusted.
    """
    address = _peer_address(peer)
    for forwarded in reversed(metadata.get(_FORWARDED, "").rsplit(",", _MOST_HOPS)):
        if address and not _within(address, proxies):
            break
        further = _plain(forwarded.strip())
        if not further:
            break
        address = further
    client = metadata.get("user-agent", "")
    return Origin(address, "".join(letter for letter in client if letter.isprintable())[:_LONGEST_CLIENT], request_id)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Parse a comma-separated list of networks.

    Raises:
        ValueError: a network is invalid.
    """
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _within(address: str, networks: Sequence[Network]) -> bool:
    return any(ipaddress.ip_address(address) in network for network in networks)


def _peer_address(peer: str) -> str:
    """Return the IP address in "ipv4:1.2.3.4:5" or "ipv6:%5B::1%5D:5"; empty for a Unix socket."""
    kind, _, rest = peer.partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return ""
    return _plain(unquote(rest).rpartition(":")[0].strip("[]").partition("%")[0])


def _plain(text: str) -> str:
    """Return the canonical text of an address, of a v4-mapped one the IPv4 address; empty if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
