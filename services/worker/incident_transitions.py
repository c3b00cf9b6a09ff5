"""How a result changes the incident of its check (semantics.md §14). Pure.

A run is results in a row with the same outcome, ignoring ERROR and MISSED. A run of DOWN that reaches the threshold
opens an incident, unless one is open; the run of UP that ends the state DOWN resolves it. After an incident was
resolved by hand while the check still fails, another one opens only for a new confirmed run of failures.
"""

from dataclasses import dataclass
from uuid import UUID

from services.checks.outcome import Outcome
from services.checks.state import CheckState, Track


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentTransition:
    """A point at which an incident opens, unless one is open, or is resolved, if one is open.

    Attributes:
        tenant_id: the tenant of the check.
        check_id: the check.
        opens: whether it opens; otherwise it is resolved.
        run_us: the first slot of the run that confirmed it, at which the incident begins or ends.
        slot_us: the slot that confirmed it.
    """

    tenant_id: UUID
    check_id: UUID
    opens: bool
    run_us: int
    slot_us: int


def opens_incident(before: Track, after: Track, failure_threshold: int) -> bool:
    """Return whether a result has confirmed a run of failures: the one that makes the check DOWN, or a later one."""
    if after.state is not CheckState.DOWN or after is before:
        return False
    if before.state is not CheckState.DOWN:
        return True
    return (
        after.streak_outcome is Outcome.DOWN
        and after.streak == failure_threshold
        and after.streak_us != after.state_us  # otherwise the run has opened one already, with a lower threshold
    )


def resolves_incident(before: Track, after: Track) -> bool:
    """Return whether a result has confirmed that the check has recovered."""
    return before.state is CheckState.DOWN and after.state is CheckState.UP
