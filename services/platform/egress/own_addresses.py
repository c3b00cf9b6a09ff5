"""The addresses of this machine, read periodically because they change while a process runs."""

import ipaddress
import socket
import time
from collections.abc import Callable, Collection

import psutil

REFRESH_S = 10.0
_FAMILIES = frozenset({socket.AF_INET, socket.AF_INET6})


class OwnAddresses:
    """The addresses of all network interfaces, read at most every 10 s.

    An address that a cloud or a router translates to one of the machine's is not included: no interface has it.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._addresses: frozenset[str] = frozenset()
        self._read_again_s = clock()

    def __call__(self) -> Collection[str]:
        """Return the addresses in canonical text, without zones."""
        now_s = self._clock()
        if now_s >= self._read_again_s:
            self._addresses = interface_addresses()
            self._read_again_s = now_s + REFRESH_S
        return self._addresses


def interface_addresses() -> frozenset[str]:
    """Return the addresses of all network interfaces in canonical text, without zones."""
    return frozenset(
        str(ipaddress.ip_address(each.address.partition("%")[0]))
        for addresses in psutil.net_if_addrs().values()
        for each in addresses
        if each.family in _FAMILIES
    )
