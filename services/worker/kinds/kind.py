"""What a kind of check is to the worker: how one attempt is made. Everything around it is the engine's.

The engine brings the deadline, retries, places, metrics and recording (services/worker/probe.py); the network brings
resolver, egress guard, dialling and TLS (services/wire/network.py). A kind knows its own protocol.
"""

from typing import Protocol, TypeVar

from services.checks.specs.spec import Spec
from services.wire.network import Network
from services.wire.observation import Observation
from services.worker.judging.facts import Facts

Spec_contra = TypeVar("Spec_contra", bound=Spec, contravariant=True)


class Kind(Protocol[Spec_contra]):
    """Makes attempts."""

    async def attempt(self, spec: Spec_contra, network: Network, seen: Observation) -> Facts:
        """Make one attempt over fresh connections (semantics.md §10); cancelling it leaves nothing open.

        Args:
            spec: what to probe.
            network: the way out.
            seen: told each step as it happens, so that an attempt that is cut off tells how far it came.

        Returns:
            What assertions can read.

        Raises:
            ProbeFailure: there was no usable answer, or not the one that it should be; its kind says why.
            OwnTrouble: for a reason of our own.
        """
