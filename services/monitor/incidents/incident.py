"""Incidents (semantics.md §14) and the steps that people take on them. Pure; times in microseconds."""

from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.incident import IncidentEventKind, Resolution
from services.checks.outcome import ErrorKind
from services.checks.result import RunDetails
from services.platform.errors import FailedPrecondition
from services.platform.security.audit import ActorKind


class IncidentState(IntEnum):
    """The state of an incident. The numbers are the contract's."""

    OPEN = 1
    RESOLVED = 2


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a result failed."""

    error_kind: ErrorKind | None
    error_message: str
    status_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A span in which a check was DOWN.

    Attributes:
        service_name: the name when the incident was opened, like check_name: an incident outlives both.
        start_us: the first failing slot.
        detect_us: the slot that confirmed it.
        end_us: when it ended; None while it is open.
        acknowledge_us: when it was first acknowledged.
        first: the first failing slot; None if that is not stored.
        last_cause: why the last failing slot so far failed; None if that is not stored.
    """

    id: UUID
    service_id: UUID
    check_id: UUID
    service_name: str
    check_name: str
    start_us: int
    detect_us: int
    end_us: int | None
    resolution: Resolution | None
    acknowledge_us: int | None
    first: RunDetails | None
    last_cause: Cause | None

    @property
    def cause(self) -> Cause | None:
        """Return why the first failing slot failed; None if that is not stored."""
        first = self.first
        return None if first is None else Cause(first.error_kind, first.error_message, first.status_code)

    @property
    def state(self) -> IncidentState:
        """Whether it is open or resolved."""
        return IncidentState.OPEN if self.end_us is None else IncidentState.RESOLVED

    def duration_us(self, now: int) -> int:
        """Return its duration in microseconds, until now if it is open."""
        return max(0, (now if self.end_us is None else self.end_us) - self.start_us)


@dataclass(frozen=True, slots=True)
class IncidentActor:
    """The user or API key that took a step."""

    kind: ActorKind
    id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """An event in an incident's timeline; results have no actor."""

    id: UUID
    create_us: int
    kind: IncidentEventKind
    actor: IncidentActor | None
    note: str


@dataclass(frozen=True, slots=True)
class IncidentAction:
    """A step that a person takes on an incident.

    Attributes:
        kind: the kind of the step.
        note: the person's note; may be empty.
        at: the time of the step, in microseconds.
    """

    kind: IncidentEventKind
    note: str
    at: int

    def changes(self, incident: Incident) -> bool:
        """Return whether the step would change the incident; False if it was taken already.

        Raises:
            FailedPrecondition: INCIDENT_RESOLVED.
        """
        if self.kind is IncidentEventKind.ACKNOWLEDGED:
            if incident.state is IncidentState.RESOLVED:
                raise FailedPrecondition(reasons.ERROR_REASON_INCIDENT_RESOLVED, "Incident is already resolved.")
            return incident.acknowledge_us is None
        return self.kind is IncidentEventKind.NOTE or incident.state is IncidentState.OPEN
