"""What of a batch counts, and what it makes of its checks (semantics.md §2, §6, §12, §14). Pure.

A result counts when its slot is behind the last accounted one, so that each counts once; when it was run under the
epoch that its shard is leased under now, so that whoever lost the shard moves nothing; and when the slot is one of a
period in which the check was on, so that what was still run on a former grid hides none of the present one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.common.grid import slots_between
from services.common.state import Track, advance
from services.worker.record import Pending
from services.worker.schedule import Period


@dataclass(slots=True)
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
    """

    tenant_id: UUID
    track: Track
    accounted_us: int
    epoch: int | None
    since_us: int | None
    interval_us: int | None
    former: Sequence[Period] = ()

    def is_present(self, pending: Pending) -> bool:
        """Whether a result is of the period that goes on."""
        result = pending.result
        return self.since_us is not None and result.slot_us >= self.since_us and result.interval_us == self.interval_us

    def part(self, pending: Pending) -> Pending | None:
        """What of a result counts, if any of it does.

        Of a range of missed slots that is what lies behind the last accounted one and in one period: who made it may have
        known neither what was accounted for already nor that the period was to end.
        """
        result = pending.result
        if pending.epoch != self.epoch:
            return None
        known = max(0, (self.accounted_us - result.slot_us) // result.interval_us + 1)
        slot_us = result.slot_us + known * result.interval_us
        slots = self._slots_of_period(slot_us, result.interval_us, result.slot_count - known)
        if slots <= 0:
            return None
        if slots == result.slot_count:
            return pending
        return replace(pending, result=replace(result, slot_us=slot_us, slot_count=slots))

    def _slots_of_period(self, slot_us: int, interval_us: int, most: int) -> int:
        """How many of so many slots, from one on, are of the same period; none when the first is of no period."""
        if self.since_us is not None and slot_us >= self.since_us and interval_us == self.interval_us:
            return most
        for period in self.former:
            if period.interval_us == interval_us and period.start_us <= slot_us < period.end_us:
                return min(most, slots_between(slot_us, period.end_us, interval_us))
        return 0

    def add(self, pending: Pending) -> None:
        """Count a result."""
        result, check = pending.result, pending.check
        self.accounted_us = result.slot_us + (result.slot_count - 1) * result.interval_us
        self.track = advance(
            self.track, result.slot_us, result.outcome, check.failure_threshold, check.recovery_threshold
        )


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
        part = tally.part(pending)
        if part is not None:
            tally.add(part)
            counted.append(part)
    return counted
