"""What a result makes of its check's incident (semantics.md §14). Pure.

A run is results in a row that ended alike, ERROR and MISSED left out. A run of DOWN that is as long as the check asks
for opens an incident, unless one is open; the run of UP that ends DOWN resolves it. So an incident that somebody has
resolved by hand while the check fails on is followed by another only once a new run of failures is confirmed.
"""

from dataclasses import dataclass
from uuid import UUID

from services.checks.outcome import Outcome
from services.checks.state import CheckState, Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A point at which an incident opens, unless one is open, or is resolved, if one is.

    Attributes:
        tenant_id: whose check it is.
        check_id: the check.
        opens: whether it opens; else it is resolved.
        run_us: the first slot of the run that confirmed it, where the incident begins or ends.
        slot_us: the slot that confirmed it.
    """

    tenant_id: UUID
    check_id: UUID
    opens: bool
    run_us: int
    slot_us: int


def opens(before: Track, after: Track, failure_threshold: int) -> bool:
    """Whether a result has confirmed a run of failures: the one that makes the check DOWN, or a later one of it."""
    if after.state is not CheckState.DOWN or after is before:
        return False
    if before.state is not CheckState.DOWN:
        return True
    return (
        after.streak_outcome is Outcome.DOWN
        and after.streak == failure_threshold
        and after.streak_us != after.state_us  # else the run has opened one already, under a lower threshold
    )


def resolves(before: Track, after: Track) -> bool:
    """Whether a result has confirmed that the check has recovered."""
    return before.state is CheckState.DOWN and after.state is CheckState.UP
