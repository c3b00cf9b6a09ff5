"""What of a batch counts, and what it makes of its checks (semantics.md §2, §6, §12, §14). Pure.

A result counts when its slot is behind the last accounted one, so that each counts once; when it was run under the
epoch that its shard is leased under now, so that whoever lost the shard moves nothing; and when the slot is one of a
period in which the check was on and which the worker knew, so that what was still run on a former grid hides no slot of
a later period.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.checks.grid import first_slot_at_or_after, slots_between
from services.checks.maintenance import in_maintenance
from services.checks.outcome import Outcome
from services.checks.state import STALE_AFTER_INTERVALS, CheckState, Track, advance
from services.platform.clock import SECOND_US
from services.worker.incident import Turn, opens, resolves
from services.worker.record import Pending
from services.worker.schedule import Period

# Whoever shows states may have seen a check go stale a little before our own clock says so.
_CLOCKS_DIFFER_US = SECOND_US


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a check's results amount to so far.

    Attributes:
        tenant_id: whose check it is.
        track: what its results amount to.
        accounted_us: its last accounted slot.
        epoch: the epoch of its shard's lease; None when the shard is unknown.
        since_us: since when it is on with its interval; None while it is off.
        interval_us: that interval.
        former: periods that ended; filled in only where a result is not of the present one.
        maintenance: spans in which it was inside a maintenance window; filled in only where it may matter.
        turns: where its incident opens or is resolved, in order.
    """

    tenant_id: UUID
    track: Track
    accounted_us: int
    epoch: int | None
    since_us: int | None
    interval_us: int | None
    former: Sequence[Period] = ()
    maintenance: Sequence[tuple[int, int]] = ()
    turns: tuple[Turn, ...] = ()

    def is_present(self, pending: Pending) -> bool:
        """Whether a result is of the period that goes on, and whoever made it knew that period."""
        result, since_us = pending.result, self.since_us
        return (
            since_us is not None
            and result.slot_us >= since_us
            and result.interval_us == self.interval_us
            and pending.check.since_us >= since_us
        )

    def may_turn(self, pending: Pending) -> bool:
        """Whether a result may do more than add to a run of UP: so whether it matters if it is inside a window."""
        outcome, track = pending.result.outcome, self.track
        if outcome is Outcome.UP:
            return track.state is not CheckState.UP or track.streak_outcome is not Outcome.UP
        return outcome is Outcome.DOWN

    def parts(self, pending: Pending) -> list[Pending]:
        """What of a result counts, if any of it does.

        Of a range of missed slots that is what lies behind the last accounted one and in periods: who made it may have
        known neither what was accounted for already nor that a period was to end. A period that it did not know is left
        to whoever reads it: another may lie before, with slots that nobody has accounted for yet.
        """
        result, known_us = pending.result, pending.check.since_us
        if pending.epoch != self.epoch:
            return []
        if self.is_present(pending) and result.slot_us > self.accounted_us:
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
        """Count a result; inside a maintenance window it neither lengthens nor breaks a run."""
        result, check = pending.result, pending.check
        self.accounted_us = result.slot_us + (result.slot_count - 1) * result.interval_us
        if self.maintenance and in_maintenance(result.slot_us, self.maintenance):
            return
        before = self.track
        self.track = after = advance(
            before, result.slot_us, result.outcome, check.settings.failure_threshold, check.settings.recovery_threshold
        )
        # Most checks are UP and stay it: they pay for nothing but this.
        if after.state is CheckState.DOWN or after.state is not before.state:
            self._turn(before, after, pending)

    def is_news(self, before: Track, now: int) -> bool:
        """Whether what the check is known to be in has moved, or may have, or an incident of it.

        Args:
            before: what its results amounted to before.
            now: the time of this machine's clock.
        """
        after = self.track
        if self.turns or before.state is not after.state or before.state_us != after.state_us:
            return True
        if before.verdict_us is None or before.verdict_us == after.verdict_us:
            return False
        # It was shown as UNKNOWN, since no result had told for so long; now one has.
        stale_us = before.verdict_us + STALE_AFTER_INTERVALS * (self.interval_us or 0)
        return now > stale_us - _CLOCKS_DIFFER_US

    def _turn(self, before: Track, after: Track, pending: Pending) -> None:
        opening = opens(before, after, pending.check.settings.failure_threshold)
        if after.streak_us is not None and (opening or resolves(before, after)):
            turn = Turn(
                tenant_id=self.tenant_id,
                check_id=pending.check.id,
                opens=opening,
                run_us=after.streak_us,
                slot_us=pending.result.slot_us,
            )
            self.turns = (*self.turns, turn)


def count(batch: Sequence[Pending], tallies: Mapping[UUID, Tally]) -> list[Pending]:
    """What of a batch counts, in its order; the tallies of its checks move on.

    Args:
        batch: results; those of one check in the order of their slots.
        tallies: by check; a check that is gone has none.
    """
    counted = []
    for pending in batch:
        tally = tallies.get(pending.result.check_id)
        if tally is None:
            continue
        for part in tally.parts(pending):
            tally.add(part)
            counted.append(part)
    return counted
