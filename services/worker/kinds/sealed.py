"""A check whose secrets cannot be decrypted: it is not run without them, which is our own trouble, not its target's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from services.checks.specs.spec import Spec
from services.wire.network import Network
from services.wire.observation import Observation
from services.wire.own_trouble import OwnTrouble


@dataclass(frozen=True, slots=True)
class SealedSpec(Spec):
    """What is left of such a check.

    Attributes:
        host: that it would burden.
        why: what is the matter, for its owner.
    """

    KIND: ClassVar[str] = "sealed"
    MESSAGE: ClassVar[type[Message]] = Empty

    host: str
    why: str

    @property
    def target(self) -> str:
        """The host that it would burden."""
        return self.host

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """None: no target is asked."""
        return {}

    def refuse_bad(self, _field: str) -> None:
        """Nobody asks for one."""


class SealedProbe:
    """Makes no attempts.

    Args:
        spec: why there are none.
    """

    __slots__ = ("_spec",)

    def __init__(self, spec: SealedSpec) -> None:
        self._spec = spec

    async def attempt(self, _network: Network, _seen: Observation) -> None:
        """Say why there is none.

        Raises:
            OwnTrouble: always.
        """
        raise OwnTrouble(self._spec.why)
