"""Whether every slot is accounted for exactly once (semantics.md §2): results compared with the grid. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.checks.grid import anchor_us, first_slot_at_or_after
from services.checks.outcome import MissedReason, Outcome
from services.platform.clock import to_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of results: `count` slots in a row from `slot_us` on."""

    slot_us: int
    outcome: Outcome
    reason: MissedReason | None
    count: int
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time in which slots may be MISSED, because something was broken.

    Attributes:
        name: what was broken.
        start_us: slots due from then on.
        end_us: and until then, this included.
        shards: of these shards.
        reasons: for these reasons.
    """

    name: str
    start_us: int
    end_us: int
    shards: Collection[int]
    reasons: Collection[MissedReason]

    def __str__(self) -> str:
        return f"{self.name} [{_at(self.start_us)}, {_at(self.end_us)}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A check with its results.

    Attributes:
        check_id: the check.
        shard: its shard.
        interval_us: its interval, which never changed.
        create_us: the time of its creation; its slots are after it.
        entries: its results, in the order of their slots.
    """

    check_id: UUID
    shard: int
    interval_us: int
    create_us: int
    entries: Sequence[Entry]

    def slots(self) -> Iterator[tuple[int, Entry]]:
        """Yield each accounted slot with its entry; ranges are expanded."""
        for entry in self.entries:
            for number in range(entry.count):
                yield entry.slot_us + number * self.interval_us, entry

    def faults(self, until_us: int, windows: Sequence[Window]) -> list[str]:
        """Return the faults up to a time: slots lost, counted twice, off the grid, or MISSED without an excuse."""
        anchor = anchor_us(self.check_id, self.interval_us)
        due = range(
            first_slot_at_or_after(anchor, self.interval_us, self.create_us + 1), until_us + 1, self.interval_us
        )
        seen: dict[int, Entry] = {}
        found = []
        for slot, entry in self.slots():
            if (slot - anchor) % self.interval_us or slot <= self.create_us:
                found.append(self._fault(slot, entry, "is off the grid"))
            if slot in seen:
                found.append(self._fault(slot, entry, f"was counted before, as {seen[slot].outcome.name}"))
            seen[slot] = entry
            if entry.outcome is Outcome.MISSED and not any(self._excuses(window, slot, entry) for window in windows):
                near = min(windows, key=lambda window: _distance_us(window, slot), default=None)
                found.append(self._fault(slot, entry, f"is outside of what may be; the nearest window: {near}"))
        found += [self._fault(slot, None, "is lost") for slot in due if slot not in seen]
        return found

    def _excuses(self, window: Window, slot_us: int, entry: Entry) -> bool:
        return (
            window.start_us <= slot_us <= window.end_us
            and self.shard in window.shards
            and entry.reason in window.reasons
        )

    def _fault(self, slot_us: int, entry: Entry | None, what: str) -> str:
        shown = "" if entry is None else f" {entry.outcome.name} {entry.reason and entry.reason.name} {entry.worker_id}"
        return f"check {self.check_id} of shard {self.shard}: slot {_at(slot_us)}{shown} {what}"


def _distance_us(window: Window, slot_us: int) -> int:
    return max(window.start_us - slot_us, slot_us - window.end_us, 0)


def _at(moment_us: int) -> str:
    return to_datetime(moment_us).strftime("%H:%M:%S.%f")
