"""Canaries: external addresses that answer unless this machine is offline."""

import asyncio
from dataclasses import dataclass

_CANARY_S = 1.0


@dataclass(frozen=True, slots=True)
class Canary:
    """A literal address and a port that answer unless the worker is offline."""

    address: str
    port: int

    async def answers(self) -> bool:
        """Return whether a connection succeeds within a second."""
        try:
            async with asyncio.timeout(_CANARY_S):
                _, writer = await asyncio.open_connection(self.address, self.port)
        except (OSError, TimeoutError):
            return False
        writer.transport.abort()
        return True
