"""What a kind of check is to the worker: a class of probes, which make attempts. Everything around it is the engine's.

The engine brings the deadline, retries, places, metrics and recording (services/worker/probe.py); the network brings
resolver, egress guard, dialling and TLS (services/wire/network.py). A kind knows its own protocol.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from services.wire.network import Network
from services.wire.observation import Observation


class Probe(Protocol):
    """A spec as the worker runs it: makes attempts, and keeps what it derives from the spec for the first of them.

    It lives as long as its check is held unchanged.
    """

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Make one attempt over fresh connections (semantics.md §10); cancelling it leaves nothing open.

        Args:
            network: the way out.
            seen: filled in as it happens, so that a cancelled attempt shows how far it came.

        Raises:
            ProbeFailure: there was no usable answer, or not the one that it should be; its kind says why.
            OwnTrouble: for a reason of our own.
        """


Kind: TypeAlias = Callable[[Any], Probe]
"""Makes the probe of a spec of this kind; it does so at once, and raises nothing."""
