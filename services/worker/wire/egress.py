"""Which addresses a check may reach (semantics.md §22). Pure.

Only globally routable unicast addresses, and what the operator allows by CIDR. An IPv6 address that carries an IPv4
address inside (v4-mapped, NAT64, 6to4, Teredo) is refused whatever it carries, so that none leads around a refusal;
only an IPv6 CIDR that covers it admits it.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial

_MOST_KNOWN = 16_384

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Global by the registry's letter, but they carry or lead to an IPv4 address.
_CARRIERS = tuple(
    ipaddress.ip_network(cidr)
    for cidr in (
        "::/96",  # v4-compatible
        "::ffff:0:0/96",  # v4-mapped
        "::ffff:0:0:0/96",  # v4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 of one's own
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
    )
)


@dataclass(frozen=True)
class EgressPolicy:
    """The operator's word on what checks may reach besides public addresses.

    Attributes:
        allowed: networks that are admitted though they are not public.
    """

    allowed: tuple[_Network, ...] = ()
    _known: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Of one policy each: to look up the networks with the address would cost more than the rest of the answer.
        object.__setattr__(self, "_known", lru_cache(maxsize=_MOST_KNOWN)(partial(_admits, self.allowed)))

    @classmethod
    def parse(cls, cidrs: str) -> "EgressPolicy":
        """Read a comma-separated list of CIDRs; empty allows nothing.

        Raises:
            ValueError: naming the part that is not a CIDR.
        """
        networks = []
        for part in filter(None, (part.strip() for part in cidrs.split(","))):
            try:
                networks.append(ipaddress.ip_network(part))
            except ValueError as error:
                raise ValueError(f"{part!r} is not a CIDR such as 10.0.0.0/8") from error
        return cls(tuple(networks))

    def admits(self, address: str) -> bool:
        """Whether a literal address may be dialled."""
        return self._known(address)


def _admits(allowed: tuple[_Network, ...], address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.scope_id is not None:
        return False
    if any(ip in network for network in allowed):
        return True
    if any(ip in network for network in _CARRIERS):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
