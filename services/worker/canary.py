"""Canaries: external addresses that answer unless this machine is offline."""

import asyncio
import ipaddress
from dataclasses import dataclass

_CANARY_S = 1.0
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Canary:
    """A literal address and a port that answer unless the worker is offline."""

    address: str
    port: int

    @classmethod
    def parse(cls, addresses: str) -> tuple["Canary", ...]:
        """Parse a comma-separated list of address:port.

        Raises:
            ValueError: a part is invalid; the message names it.
        """
        canaries = []
        for part in filter(None, (part.strip() for part in addresses.split(","))):
            host, _, port = part.rpartition(":")
            try:
                # No host name: resolving it could fail for reasons of its own.
                address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
                canaries.append(cls(str(address), _port(port)))
            except ValueError as error:
                raise ValueError(f"{part!r} is not address:port such as 192.0.2.1:53 or [2001:db8::1]:53") from error
        return tuple(canaries)

    async def answers(self) -> bool:
        """Return whether a connection succeeds within a second."""
        try:
            async with asyncio.timeout(_CANARY_S):
                _, writer = await asyncio.open_connection(self.address, self.port)
        except (OSError, TimeoutError):
            return False
        writer.transport.abort()
        return True


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _HIGHEST_PORT):
        raise ValueError(text)
    return int(text)
