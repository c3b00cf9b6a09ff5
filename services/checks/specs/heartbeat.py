"""The spec of a heartbeat check: the signals that a job has to send, at least one per period."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self
from uuid import UUID

from google.protobuf.message import Message
from sentinel.monitor.v1 import check_pb2 as pb

from services.checks.specs import message_json
from services.checks.specs.spec import Spec
from services.platform.clock import MINUTE_US, SECOND_US

# A missing signal or a reported failure is detected at the next slot.
_LONGEST_INTERVAL_US = MINUTE_US
# The period is not a field of HeartbeatCheck: it is the interval of the check.
_PERIOD, _INTERVAL = "period", "interval"


@dataclass(frozen=True, slots=True)
class HeartbeatSpec(Spec):
    """The expected signals of a job.

    Attributes:
        period_us: the longest time between two signals, in microseconds; the interval of the check.
        grace_us: how much later a signal may arrive, in microseconds.
        of_check: the ids of tenant and check whose signals are evaluated; None outside runs. Not stored.
        is_slot: whether the run is that of a slot, which evaluates the time since the slot before; an on-demand run
            evaluates the present state. Not stored.
    """

    KIND: ClassVar[str] = "heartbeat"
    MESSAGE: ClassVar[type[Message]] = pb.HeartbeatCheck
    FAILURE_THRESHOLD: ClassVar[int] = 1
    CONTACTS_TARGET: ClassVar[bool] = False

    period_us: int = MINUTE_US
    grace_us: int = 0
    of_check: tuple[UUID, UUID] | None = field(default=None, compare=False)
    is_slot: bool = field(default=True, compare=False)

    @property
    def target(self) -> str:
        """A placeholder: a run sends no requests to any host."""
        return "(none)"

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """No hosts: a run connects to no target."""
        return {}

    def validate(self, field: str) -> None:
        """Do nothing: the rules of the contract cover all fields."""

    def slots_every_us(self, _interval_us: int) -> int:
        """Return the time between slots in microseconds: the period, at most one minute."""
        return min(self.period_us, _LONGEST_INTERVAL_US)

    def bound_to(self, tenant_id: UUID, check_id: UUID) -> Self:
        """Return the spec with the check whose signals to evaluate."""
        return replace(self, of_check=(tenant_id, check_id))

    def with_body_kept(self) -> Self:
        """Return the spec for an on-demand run, which has no slot."""
        return replace(self, is_slot=False)

    def audited(self) -> dict[str, object]:
        """Return the fields for the audit log."""
        return {"intervalSeconds": self.period_us / SECOND_US, "graceSeconds": self.grace_us / SECOND_US}

    def to_check_json(self) -> dict[str, Any]:
        """Return the JSON of a check with this spec; the period is its interval."""
        own = self.to_json()
        return {_INTERVAL: own.pop(_PERIOD), self.KIND: own}

    @classmethod
    def from_check_json(cls, json: Mapping[str, Any]) -> Self:
        """Return the spec that the JSON of a check describes."""
        own = json[cls.KIND]
        return cls.from_json({**own, _PERIOD: json[_INTERVAL]} if _INTERVAL in json else own)

    def into_check(self, check: pb.Check) -> None:
        """Write the spec into a check's message: the period becomes the interval; clear timeout and retry delay."""
        for absent in (_INTERVAL, "timeout", "retry_delay"):
            check.ClearField(absent)
        check.MergeFrom(message_json.from_json(pb.Check, self.to_check_json()))
