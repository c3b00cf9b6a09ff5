"""Which results of a batch count, and how they change their checks (semantics.md §2, §6, §12, §14). Pure.

A result counts if its slot is after the account, so that each slot counts once; if it was run under the present epoch
of the shard's lease, so that a worker that lost the shard changes nothing; and if the slot is in a period of the check
that the worker knew, so that runs on a former grid hide no slot of a later period.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.checks.grid import first_slot_at_or_after, slots_between
from services.checks.maintenance import in_maintenance
from services.checks.outcome import Outcome
from services.checks.state import STALE_AFTER_INTERVALS, CheckState, Track, advance
from services.platform.clock import SECOND_US
from services.worker.incident_transitions import IncidentTransition, opens_incident, resolves_incident
from services.worker.record import Pending
from services.worker.schedule import Period

# By the clock of another process, a check may become stale slightly earlier than by the clock of this one.
_CLOCKS_DIFFER_US = SECOND_US


@dataclass(slots=True, kw_only=True)
class CheckProgress:
    """The state of a check while a batch is counted.

    Attributes:
        tenant_id: the tenant of the check.
        track: the track of its results.
        accounted_us: its last accounted slot.
        epoch: the epoch of its shard's lease; None if the shard is unknown.
        since_us: since when it is on with its interval; None if it is off.
        interval_us: its present interval.
        former: ended periods; filled in only if a result is not of the present one.
        maintenance: spans of maintenance; filled in only if they may matter.
        transitions: where its incident opens or is resolved, in order.
    """

    tenant_id: UUID
    track: Track
    accounted_us: int
    epoch: int | None
    since_us: int | None
    interval_us: int | None
    former: Sequence[Period] = ()
    maintenance: Sequence[tuple[int, int]] = ()
    transitions: tuple[IncidentTransition, ...] = ()

    def is_current_period(self, pending: Pending) -> bool:
        """Return whether a result is of the open period, and its worker knew that period."""
        result, since_us = pending.result, self.since_us
        return (
            since_us is not None
            and result.slot_us >= since_us
            and result.interval_us == self.interval_us
            and pending.check.since_us >= since_us
        )

    def may_transition(self, pending: Pending) -> bool:
        """Return whether a result may do more than extend a run of UP, so that maintenance windows matter."""
        outcome, track = pending.result.outcome, self.track
        if outcome is Outcome.UP:
            return track.state is not CheckState.UP or track.streak_outcome is not Outcome.UP
        return outcome is Outcome.DOWN

    def countable_parts(self, pending: Pending) -> list[Pending]:
        """Return the parts of a result that count; empty if none does.

        Of a range of missed slots the parts after the account and inside periods count: its worker may have known
        neither the account nor the end of a period. A period that it did not know is left to the worker that reads it:
        there may be another one before, with slots that are not accounted for yet.
        """
        result, known_us = pending.result, pending.check.since_us
        if pending.epoch != self.epoch:
            return []
        if self.is_current_period(pending) and result.slot_us > self.accounted_us:
            return [pending]
        spans = [
            (each.start_us, each.end_us)
            for each in self.former
            if each.interval_us == result.interval_us and each.start_us <= known_us
        ]
        end_us = result.slot_us + result.slot_count * result.interval_us
        if self.since_us is not None and self.interval_us == result.interval_us and self.since_us <= known_us:
            spans.append((self.since_us, end_us))
        parts = []
        for start_us, until_us in sorted(spans):
            behind_us = max(result.slot_us, start_us, self.accounted_us + 1)
            first_us = first_slot_at_or_after(result.slot_us, result.interval_us, behind_us)
            slots = slots_between(first_us, min(until_us, end_us), result.interval_us)
            if slots:
                parts.append(replace(pending, result=replace(result, slot_us=first_us, slot_count=slots)))
        return parts

    def add(self, pending: Pending) -> None:
        """Count a result; inside a maintenance window it neither extends nor breaks a run."""
        result, check = pending.result, pending.check
        self.accounted_us = result.slot_us + (result.slot_count - 1) * result.interval_us
        if self.maintenance and in_maintenance(result.slot_us, self.maintenance):
            return
        before = self.track
        self.track = after = advance(
            before, result.slot_us, result.outcome, check.settings.failure_threshold, check.settings.recovery_threshold
        )
        # Most checks stay UP: they cost nothing but this.
        if after.state is CheckState.DOWN or after.state is not before.state:
            self._add_transition(before, after, pending)

    def changes_display(self, before: Track, now: int) -> bool:
        """Return whether the shown state of the check, or an incident of it, may have changed.

        Args:
            before: its track before the batch.
            now: the time of this machine's clock.
        """
        after = self.track
        if self.transitions or before.state is not after.state or before.state_us != after.state_us:
            return True
        if before.verdict_us is None or before.verdict_us == after.verdict_us:
            return False
        # It was shown as UNKNOWN for lack of results; now there is one.
        stale_us = before.verdict_us + STALE_AFTER_INTERVALS * (self.interval_us or 0)
        return now > stale_us - _CLOCKS_DIFFER_US

    def _add_transition(self, before: Track, after: Track, pending: Pending) -> None:
        opening = opens_incident(before, after, pending.check.settings.failure_threshold)
        if after.streak_us is not None and (opening or resolves_incident(before, after)):
            transition = IncidentTransition(
                tenant_id=self.tenant_id,
                check_id=pending.check.id,
                opens=opening,
                run_us=after.streak_us,
                slot_us=pending.result.slot_us,
            )
            self.transitions = (*self.transitions, transition)


def count_results(batch: Sequence[Pending], progress_by_check: Mapping[UUID, CheckProgress]) -> list[Pending]:
    """Return the results of a batch that count, in order, and update the progress of their checks.

    Args:
        batch: the results; those of one check in the order of their slots.
        progress_by_check: the progress by check; a deleted check has none.
    """
    counted = []
    for pending in batch:
        progress = progress_by_check.get(pending.result.check_id)
        if progress is None:
            continue
        for part in progress.countable_parts(pending):
            progress.add(part)
            counted.append(part)
    return counted
