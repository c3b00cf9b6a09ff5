"""The registration mode: who may register a tenant. Pure."""

import ipaddress
from collections.abc import Iterable
from enum import Enum

SETTING = "SENTINEL_REGISTRATION"


class RegistrationMode(Enum):
    """The values of SENTINEL_REGISTRATION."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


def refusal_of_silence(addresses: Iterable[str], mode: RegistrationMode | None) -> str | None:
    """Return why a start is refused: other machines can reach the installation, but the registration mode is not set.

    Args:
        addresses: the listening addresses, IPv6 with or without brackets; empty ones are ignored.
        mode: the registration mode; None if it is not set.

    Returns:
        The message for the operator; None if the start is allowed.
    """
    if mode is not None:
        return None
    beyond = [address for address in map(str.strip, addresses) if address and not _is_loopback(address)]
    if not beyond:
        return None
    modes = ", ".join(each.value for each in RegistrationMode)
    return (
        f"{SETTING} is not set, and {beyond[0]} is reachable from other machines: set it to one of {modes} "
        "to decide who may register tenants"
    )


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError:
        return address == "localhost"
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
