"""The egress policy: which addresses checks may reach (SSRF protection). Pure.

The first rule that applies decides about an address:

1. `SENTINEL_EGRESS_DENY` refuses it.
2. `SENTINEL_EGRESS_ALLOW` admits it, for all tenants or for those that it names.
3. An address of this machine is refused.
4. A translation prefix of the operator admits it, and so does special_networks.py where the network is public.
5. Everything else is refused.

An IPv6 address that embeds an IPv4 address is admitted only if both are. Errors name the setting that decided, but not
the resolved address, which would reveal the internal network.
"""

import ipaddress
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeVar

from services.platform.egress.special_networks import (
    LOCAL_TRANSLATION,
    TRANSLATION_LENGTHS,
    Address,
    Network,
    embedded_addresses,
    special_network,
    translated_address,
)

ALLOW = "SENTINEL_EGRESS_ALLOW"
DENY = "SENTINEL_EGRESS_DENY"
TRANSLATION_PREFIXES = "SENTINEL_EGRESS_TRANSLATION_PREFIXES"
_MOST_KNOWN = 16_384
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_T = TypeVar("_T")


class Allowance(NamedTuple):
    """A network that checks may reach.

    Attributes:
        network: the network.
        tenants: the slugs of the tenants that may reach it; all tenants if empty.
    """

    network: Network
    tenants: frozenset[str] = frozenset()


class _Judgement(NamedTuple):
    """The part of a decision that does not depend on this machine's addresses.

    Attributes:
        setting: the setting that refuses the address; None if it is admitted.
        unallowed: the address and those embedded in it that no allowance admits.
    """

    setting: str | None
    unallowed: tuple[str, ...] = ()


def no_addresses() -> Collection[str]:
    """Return no addresses: the default if those of the machine are irrelevant."""
    return ()


@dataclass(frozen=True, kw_only=True)
class EgressPolicy:
    """The operator's settings about egress.

    Attributes:
        allowed: networks that are admitted although they are not public.
        denied: networks that are refused regardless of other settings.
        translation: prefixes of translated addresses, with the lengths of RFC 6052.
        own: returns the addresses of this machine in canonical text.
    """

    allowed: tuple[Allowance, ...] = ()
    denied: tuple[Network, ...] = ()
    translation: tuple[ipaddress.IPv6Network, ...] = ()
    own: Callable[[], Collection[str]] = field(default=no_addresses, compare=False)
    _known: Callable[[str, str], _Judgement] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Looking up the networks is the most expensive part of a decision.
        object.__setattr__(self, "_known", lru_cache(maxsize=_MOST_KNOWN)(self._judge))

    @classmethod
    def parse(
        cls,
        allow: str = "",
        deny: str = "",
        translation_prefixes: str = "",
        own: Callable[[], Collection[str]] = no_addresses,
    ) -> "EgressPolicy":
        """Parse the settings, each a comma-separated list; empty ones add nothing.

        Raises:
            ValueError: a part is invalid; the message names the setting and the part.
        """
        return cls(
            allowed=_read(ALLOW, allow, _allowance),
            denied=_read(DENY, deny, _network),
            translation=_read(TRANSLATION_PREFIXES, translation_prefixes, _translation_prefix),
            own=own,
        )

    @property
    def named_tenants(self) -> frozenset[str]:
        """The slugs of the tenants that the settings name."""
        return frozenset().union(*(each.tenants for each in self.allowed))

    def refused_by(self, address: str, tenant: str = "") -> str | None:
        """Return the name of the setting that refuses a literal address; None if it may be dialled.

        Args:
            address: the address as text.
            tenant: the slug of the check's tenant; only needed if the settings name tenants.
        """
        setting, unallowed = self._known(address, tenant)
        if setting is None and unallowed:
            own = self.own()
            if any(each in own for each in unallowed):
                return ALLOW
        return setting

    def admits(self, address: str, tenant: str = "") -> bool:
        """Return whether a literal address may be dialled."""
        return self.refused_by(address, tenant) is None

    def _judge(self, text: str, tenant: str) -> _Judgement:
        address = _dialable(text)
        if address is None:
            return _Judgement(ALLOW)
        prefixes = [each for each in self.translation if address in each]
        translated = [translated_address(address, each) for each in prefixes]
        every = [address, *embedded_addresses(address), *(each for each in translated if each is not None)]
        unallowed = [each for each in every if not self._is_allowed(each, tenant)]
        setting = None
        if any(each in network for each in every for network in self.denied):
            setting = DENY
        elif None in translated or (address in LOCAL_TRANSLATION and not prefixes):
            setting = TRANSLATION_PREFIXES
        elif not all(special_network(each).admitted for each in unallowed if each is not address or not prefixes):
            setting = ALLOW
        return _Judgement(setting, tuple(map(str, unallowed)))

    def _is_allowed(self, address: Address, tenant: str) -> bool:
        return any(address in each.network and (not each.tenants or tenant in each.tenants) for each in self.allowed)


def _dialable(text: str) -> Address | None:
    """Return the address in a text; None if it is none, or has a zone, which is valid on this machine only."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None else address


def refusal_reason(setting: str) -> str:
    """Return which setting refuses an address, as a phrase for the check's owner."""
    return f"{'denied' if setting == DENY else 'not allowed'} by {setting} of this installation"


def _read(setting: str, text: str, read: Callable[[str], _T]) -> tuple[_T, ...]:
    try:
        return tuple(read(part) for part in map(str.strip, text.split(",")) if part)
    except ValueError as error:
        raise ValueError(f"{setting}: {error}") from error


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a CIDR such as 10.0.0.0/8") from error


def _allowance(text: str) -> Allowance:
    cidr, at, slugs = text.partition("@")
    tenants = slugs.split("+") if at else []
    for slug in tenants:
        if _SLUG.fullmatch(slug) is None:
            raise ValueError(f"{text!r} must name tenants by their slugs, such as 10.0.0.0/8@acme+shop")
    return Allowance(_network(cidr), frozenset(tenants))


def _translation_prefix(text: str) -> ipaddress.IPv6Network:
    network = _network(text)
    if isinstance(network, ipaddress.IPv4Network) or network.prefixlen not in TRANSLATION_LENGTHS:
        lengths = ", ".join(map(str, TRANSLATION_LENGTHS))
        raise ValueError(f"{text!r} is not an IPv6 prefix with a length of {lengths}, such as 64:ff9b:1::/96")
    return network
