"""The interface of a kind of check in the worker: a class of probes, which make attempts over one protocol.

The prober adds deadline and retries (services/worker/probe.py). The engine adds scheduling, metrics and recording
(services/worker/engine.py). The network provides the resolver, the egress policy, connections and TLS
(services/wire/network.py).
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from services.wire.network import Network
from services.wire.observation import Observation


class Probe(Protocol):
    """Makes the attempts of one spec, and caches what it derives from the spec.

    A probe is reused by all runs of a check until the check changes.
    """

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Make one attempt over new connections (semantics.md §10); close them on cancellation too.

        Args:
            network: connects to targets.
            seen: the observations, written during the attempt, so that they are available after a cancellation.

        Raises:
            ProbeFailure: there is no valid response, or an unexpected one; the kind is the reason.
            InternalProbeError: an internal error occurs, or a dependency of the monitor is unavailable.
        """


Kind: TypeAlias = Callable[[Any], Probe]
"""Makes the probe of a spec of this kind; without I/O, and without raising an error."""
