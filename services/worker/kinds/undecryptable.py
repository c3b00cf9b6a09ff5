"""The probe of a check whose secrets cannot be decrypted: every run ends as ERROR, without a request to the target."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from services.checks.specs.spec import Spec
from services.wire.internal_error import InternalProbeError
from services.wire.network import Network
from services.wire.observation import Observation


@dataclass(frozen=True, slots=True)
class UndecryptableSpec(Spec):
    """The spec of a check whose secrets cannot be decrypted.

    Attributes:
        host: the target of the check.
        reason: the reason, as an error message for the owner of the check.
    """

    KIND: ClassVar[str] = "sealed"
    MESSAGE: ClassVar[type[Message]] = Empty

    host: str
    reason: str

    @property
    def target(self) -> str:
        """The target of the check."""
        return self.host

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """No hosts: a run connects to no target."""
        return {}

    def validate(self, _field: str) -> None:
        """Do nothing: a request cannot contain such a spec."""


class UndecryptableProbe:
    """Fails every attempt.

    Args:
        spec: the reason.
    """

    __slots__ = ("_spec",)

    def __init__(self, spec: UndecryptableSpec) -> None:
        self._spec = spec

    async def attempt(self, _network: Network, _seen: Observation) -> None:
        """Raise the reason.

        Raises:
            InternalProbeError: always.
        """
        raise InternalProbeError(self._spec.reason)
