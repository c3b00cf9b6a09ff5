"""What a heartbeat waits for: signals of a job, one a period at least."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self
from uuid import UUID

from google.protobuf.message import Message
from sentinel.monitor.v1 import check_pb2 as pb

from services.checks.specs import message_json
from services.checks.specs.spec import Spec
from services.platform.clock import MINUTE_US, SECOND_US

# Silence and failures show at the next slot.
_LONGEST_INTERVAL_US = MINUTE_US
# The period is not in the kind's message: it is the check's interval.
_PERIOD, _INTERVAL = "period", "interval"


@dataclass(frozen=True, slots=True)
class HeartbeatSpec(Spec):
    """Signals that are due.

    Attributes:
        period_us: one is due this often; the contract's interval.
        grace_us: how much later one may be.
        of_check: the tenant and the check whose signals they are; None before it is run, and no part of what is stored.
        is_slot: whether it is run for a slot, which tells what happened since the one before; else somebody asks how it
            is now. No part of what is stored.
    """

    KIND: ClassVar[str] = "heartbeat"
    MESSAGE: ClassVar[type[Message]] = pb.HeartbeatCheck
    FAILURE_THRESHOLD: ClassVar[int] = 1
    ASKS: ClassVar[bool] = False

    period_us: int = MINUTE_US
    grace_us: int = 0
    of_check: tuple[UUID, UUID] | None = field(default=None, compare=False)
    is_slot: bool = field(default=True, compare=False)

    @property
    def target(self) -> str:
        """No host is burdened, so none is named."""
        return "(none)"

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """None: no target is asked."""
        return {}

    def refuse_bad(self, field: str) -> None:
        """The contract's rules see all that can be wrong."""

    def slots_every_us(self, _interval_us: int) -> int:
        """A period, but a minute at the most."""
        return min(self.period_us, _LONGEST_INTERVAL_US)

    def run_for(self, tenant_id: UUID, check_id: UUID) -> Self:
        """Whose signals to look at."""
        return replace(self, of_check=(tenant_id, check_id))

    def showing(self) -> Self:
        """The same for a run on demand, which belongs to no slot."""
        return replace(self, is_slot=False)

    def audited(self) -> dict[str, object]:
        """What the audit log shows of it."""
        return {"intervalSeconds": self.period_us / SECOND_US, "graceSeconds": self.grace_us / SECOND_US}

    def to_check_json(self) -> dict[str, Any]:
        """Return the JSON of a check: the period is its interval."""
        own = self.to_json()
        return {_INTERVAL: own.pop(_PERIOD), self.KIND: own}

    @classmethod
    def from_check_json(cls, json: Mapping[str, Any]) -> Self:
        """Return the spec that the JSON of a check describes."""
        own = json[cls.KIND]
        return cls.from_json({**own, _PERIOD: json[_INTERVAL]} if _INTERVAL in json else own)

    def into_check(self, check: pb.Check) -> None:
        """Write it into a check's message: the interval is the period, and there is no timeout and no retry."""
        for absent in (_INTERVAL, "timeout", "retry_delay"):
            check.ClearField(absent)
        check.MergeFrom(message_json.from_json(pb.Check, self.to_check_json()))
