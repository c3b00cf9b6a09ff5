"""The schedule: which slot of which check is due (semantics.md §1, §3). Pure: times are arguments, in microseconds."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from services.checks.check_settings import CheckSettings
from services.checks.grid import anchor_us, first_slot_at_or_after, lateness_us, slots_between
from services.checks.specs.spec import Spec

if TYPE_CHECKING:
    from services.worker.dispatch import Run

Span = tuple[int, int]
"""A span of time [start, end)."""


@dataclass(frozen=True, slots=True)
class Period:
    """A span [start, end) in which a check was enabled, with its interval."""

    start_us: int
    end_us: int
    interval_us: int


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to where a check's slots are accounted for.

    Attributes:
        slot_us: the last accounted slot.
        former: periods that ended after it, in order; the open one is the check's own.
        off: spans after it in which the tenant was suspended, ordered and disjoint.
    """

    slot_us: int
    former: tuple[Period, ...] = ()
    off: tuple[Span, ...] = ()


# Not frozen: hundreds of thousands are created when a worker starts, and a frozen one takes three times as long.
@dataclass(slots=True, kw_only=True)
class ScheduledCheck:
    """A check for the worker; treat it as immutable.

    Attributes:
        target: the host that it probes.
        since_us: since when it is on with this interval; earlier slots belong to former periods.
    """

    tenant_id: UUID
    service_id: UUID
    id: UUID
    shard: int
    spec: Spec
    target: str
    settings: CheckSettings
    since_us: int


@dataclass(frozen=True, slots=True)
class MissedRange:
    """Missed slots in a row: `count` of them from `first_us` on."""

    first_us: int
    count: int
    interval_us: int


def next_slot(check: ScheduledCheck, watermark: Watermark, now_us: int) -> tuple[list[MissedRange], int]:
    """Return the missed slots after the account, and the slot to run next.

    A slot may start late by one interval, but at most 30 s. If the next one is later than that, it and all slots due
    before now are missed, and the check continues with its first future slot: nothing is replayed. The rest of former
    periods is missed, too. Slots in spans in which the check was off do not exist.

    Args:
        check: the check.
        watermark: its account.
        now_us: the present time.
    """
    missed: list[MissedRange] = []
    behind = watermark.slot_us + 1
    for period in watermark.former:
        missed += _missed(check.id, period.interval_us, (max(behind, period.start_us), period.end_us), watermark.off)
    since = max(behind, check.since_us)
    next_slot_us = _next(check, since, watermark.off)
    if now_us - next_slot_us > lateness_us(check.settings.interval_us):
        missed += _missed(check.id, check.settings.interval_us, (since, now_us), watermark.off)
        next_slot_us = _next(check, now_us, watermark.off)
    return missed, next_slot_us


def _next(check: ScheduledCheck, moment_us: int, off: Sequence[Span]) -> int:
    """Return the check's first slot at or after a time that is not inside one of the spans."""
    anchor = anchor_us(check.id, check.settings.interval_us)
    slot = first_slot_at_or_after(anchor, check.settings.interval_us, moment_us)
    for start_us, end_us in off:
        if start_us <= slot < end_us:
            slot = first_slot_at_or_after(anchor, check.settings.interval_us, end_us)
    return slot


def _missed(check_id: UUID, interval_us: int, span: Span, off: Sequence[Span]) -> Iterator[MissedRange]:
    """Yield the slots of a grid that are in a span and outside the other ones."""
    anchor = anchor_us(check_id, interval_us)
    start_us, end_us = span
    for off_start, off_end in (*off, (end_us, end_us)):
        first = first_slot_at_or_after(anchor, interval_us, start_us)
        count = slots_between(first, min(off_start, end_us), interval_us)
        if count:
            yield MissedRange(first, count, interval_us)
        start_us = max(start_us, off_end)


def split_by_spans(missed: MissedRange, spans: Sequence[Span]) -> Iterator[tuple[MissedRange, bool]]:
    """Cut missed slots into parts, in order, each with whether it is inside one of some spans.

    Args:
        missed: slots in a row.
        spans: ordered; they may overlap.
    """
    slot_us, end_us = missed.first_us, missed.first_us + missed.count * missed.interval_us
    for start, end in spans:
        for until_us, is_inside in ((start, False), (end, True)):
            count = slots_between(slot_us, min(until_us, end_us), missed.interval_us)
            if count:
                yield MissedRange(slot_us, count, missed.interval_us), is_inside
                slot_us += count * missed.interval_us
    if slot_us < end_us:
        yield MissedRange(slot_us, slots_between(slot_us, end_us, missed.interval_us), missed.interval_us), False


class Schedule:
    """The waiting runs, ordered by slot.

    A binary heap of the standard library: push and pop take a microsecond among hundreds of thousands.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Run]] = []
        self._tickets = 0

    @property
    def next_us(self) -> int | None:
        """The earliest slot; None if nothing waits."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def put(self, waiting: "Run", slot_us: int) -> None:
        """Schedule a run for a slot; its former entry becomes stale."""
        self._tickets += 1
        waiting.slot_us, waiting.ticket = slot_us, self._tickets
        heapq.heappush(self._heap, (slot_us, self._tickets, waiting))

    def pop_due(self, now_us: int) -> "Run | None":
        """Remove and return the run with the earliest slot if that is due."""
        self._drop_stale()
        if not self._heap or self._heap[0][0] > now_us:
            return None
        waiting = heapq.heappop(self._heap)[2]
        waiting.ticket = 0
        return waiting

    def _drop_stale(self) -> None:
        # Stale entries stay in the heap until they reach its top.
        while self._heap and self._heap[0][1] != self._heap[0][2].ticket:
            heapq.heappop(self._heap)
