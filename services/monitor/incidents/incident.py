"""Incidents (semantics.md §14) and the steps that people take on them. Pure; times in microseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.assertion_outcome import AssertionOutcome
from services.checks.incident import IncidentEventKind, Resolution
from services.checks.outcome import ErrorKind
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
class Phases:
    """The phases of a run; None for those it did not reach."""

    dns_us: int | None
    connect_us: int | None
    tls_us: int | None
    ttfb_us: int | None
    transfer_us: int | None
    total_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A span in which a check was DOWN.

    Attributes:
        service_name: the name when the incident was opened, like check_name: an incident outlives both.
        start_us: the first failing slot.
        detect_us: the slot that confirmed it.
        end_us: when it ended; None while it is open.
        acknowledge_us: when it was first acknowledged.
        cause: why the first failing slot failed; None if that is not stored.
        phases: the phases of the first failing slot.
        last_cause: why the last failing slot so far failed; None if that is not stored.
        failed_assertions: the failed assertions of the first failing slot.
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
    cause: Cause | None
    phases: Phases
    last_cause: Cause | None
    failed_assertions: Sequence[AssertionOutcome] = ()

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
class Step:
    """A step that a person takes on an incident.

    Attributes:
        kind: the kind of the step.
        note: the person's note; may be empty.
        at: when, in microseconds.
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
