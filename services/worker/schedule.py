"""Which slot of which check is due (semantics.md §1, §3). Pure: time is an argument, in microseconds."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common.grid import anchor_us, first_slot_at_or_after, lateness_us, slots_between
from services.common.spec import HttpSpec

Span = tuple[int, int]
"""A span of time [start, end)."""


@dataclass(frozen=True, slots=True)
class Account:
    """Up to where a check's slots are accounted for.

    Attributes:
        slot_us: the last accounted slot.
        off: spans behind it in which the check was off, in order and apart.
    """

    slot_us: int
    off: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduledCheck:
    """A check as the worker needs it."""

    tenant_id: UUID
    service_id: UUID
    id: UUID
    shard: int
    spec: HttpSpec
    interval_us: int
    timeout_us: int
    failure_threshold: int
    recovery_threshold: int
    retries: int


@dataclass(frozen=True, slots=True)
class Missed:
    """Slots in a row that nobody can run any more: `count` of them from `first_us` on."""

    first_us: int
    count: int


def go_on(check: ScheduledCheck, accounted_us: int, off: Sequence[Span], now_us: int) -> tuple[list[Missed], int]:
    """What has been missed behind the last accounted slot, and the slot to run next.

    A slot may start late by one interval, at most 30 s. When the next one is later than that, it and all that were due
    before now are missed, and the check goes on with the first slot that is still to come: nothing is replayed. Slots
    inside a span in which the check was off are nobody's to run, and are not accounted.

    Args:
        check: the check.
        accounted_us: its last accounted slot.
        off: spans behind that in which the check was off, in order and apart.
        now_us: the time.
    """
    anchor, interval = anchor_us(check.id, check.interval_us), check.interval_us
    missed = []

    def miss(until_us: int) -> None:
        following = first_slot_at_or_after(anchor, interval, accounted_us + 1)
        coming = first_slot_at_or_after(anchor, interval, until_us)
        if following < coming:
            missed.append(Missed(following, slots_between(following, coming, interval)))

    for start_us, end_us in off:
        miss(start_us)
        accounted_us = max(accounted_us, end_us - 1)
    following = first_slot_at_or_after(anchor, interval, accounted_us + 1)
    if now_us - following <= lateness_us(interval):
        return missed, following
    miss(now_us)
    return missed, first_slot_at_or_after(anchor, interval, now_us)


class Schedule:
    """The next slot of each waiting check, soonest first.

    A check is in here once or not at all; while it runs it is not, so that one run of it is under way at a time (§4).
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, UUID]] = []
        self._waiting: dict[UUID, tuple[int, ScheduledCheck]] = {}
        self._ticket = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, check_id: UUID) -> bool:
        return check_id in self._waiting

    @property
    def next_us(self) -> int | None:
        """The soonest slot; None when nothing waits."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def due(self, now_us: int) -> int:
        """How many checks are due; may be asked from any thread."""
        heap, found, places = self._heap.copy(), 0, [0]
        while places:  # what stands below a check that is not due is not due either
            place = places.pop()
            if place < len(heap) and heap[place][0] <= now_us:
                _, ticket, check_id = heap[place]
                found += self._waiting.get(check_id, (None,))[0] == ticket
                places += (2 * place + 1, 2 * place + 2)
        return found

    def put(self, check: ScheduledCheck, slot_us: int) -> None:
        """Let a check wait for a slot; what it waited for before is forgotten."""
        self._ticket += 1
        self._waiting[check.id] = (self._ticket, check)
        heapq.heappush(self._heap, (slot_us, self._ticket, check.id))

    def discard(self, check_id: UUID) -> None:
        """Forget a check."""
        self._waiting.pop(check_id, None)

    def pop_due(self, now_us: int) -> tuple[ScheduledCheck, int] | None:
        """The soonest check and its slot, if that is due; it waits no longer."""
        self._drop_stale()
        if not self._heap or self._heap[0][0] > now_us:
            return None
        slot_us, _, check_id = heapq.heappop(self._heap)
        return self._waiting.pop(check_id)[1], slot_us

    def _drop_stale(self) -> None:
        # What was replaced or discarded stays in the heap until it comes up.
        while self._heap and self._waiting.get(self._heap[0][2], (None,))[0] != self._heap[0][1]:
            heapq.heappop(self._heap)
