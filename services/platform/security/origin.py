"""Where a call came from: what the audit log, the sessions' list and the rate limits say of its sender."""

import ipaddress
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import unquote

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

IPV6_PREFIX = 64
"""A network provider gives each IPv6 client at least this network, so limits take all of it for one client."""

_FORWARDED = "x-forwarded-for"
_MOST_HOPS = 50
_LONGEST_CLIENT = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """A call's sender.

    Attributes:
        address: the client's IP address; empty where none is known.
        client: what the client calls itself; printable and cut to size.
        request_id: what leads from the answer to the log.
    """

    address: str
    client: str
    request_id: str


_current: ContextVar[Origin] = ContextVar("origin")


def set_origin(origin: Origin) -> None:
    """Make the sender known to this call."""
    _current.set(origin)


def current_origin() -> Origin:
    """The sender of this call."""
    return _current.get()


def origin_of(peer: str, metadata: Mapping[str, str], request_id: str, proxies: Sequence[Network]) -> Origin:
    """The sender of a call.

    The header x-forwarded-for counts only if the peer is on a Unix socket, where only Envoy is, or in a trusted
    network. Its addresses are read from the right, the order in which proxies add them: the first one that is in no
    trusted network is the client's. Anybody can send those to the left of it. Envoy follows the same rule. An entry
    that is no address ends the search: the client is then the proxy that passed it on.

    Args:
        peer: the other end of the connection, as grpc names it.
        metadata: the call's.
        request_id: the call's.
        proxies: networks whose x-forwarded-for is believed.
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
    """Networks out of a comma-separated list.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _within(address: str, networks: Sequence[Network]) -> bool:
    return any(ipaddress.ip_address(address) in network for network in networks)


def _peer_address(peer: str) -> str:
    """The IP address in "ipv4:1.2.3.4:5" or "ipv6:%5B::1%5D:5"; empty for a Unix socket."""
    kind, _, rest = peer.partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return ""
    return _plain(unquote(rest).rpartition(":")[0].strip("[]").partition("%")[0])


def _plain(text: str) -> str:
    """The address in its one spelling, a v4-mapped one as IPv4; empty if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
