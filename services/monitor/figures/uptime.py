"""Uptime over spans of time (semantics.md §16, §17, §18). Pure; integer microseconds until the last division.

A result holds from its slot until the next one, for at most two intervals; after that the state is unknown. Time up and
time down are the times for which UP and DOWN results hold; ERROR, MISSED and unknown time is neither. Time in which a
check was off is outside every figure. `measure` computes all figures: those that are shown and those that are stored.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from services.checks.outcome import Outcome
from services.monitor.figures.excluded_time import Span
from services.monitor.figures.incident_sums import IncidentSums
from services.monitor.figures.latency import Latencies, bucket_of

HOLD_INTERVALS = 2
_SHOWN = 1_000_000  # shares have six digits and are rounded down, so that 0.9999999 is not shown as 1


class Slot(NamedTuple):
    """The columns of a result that figures need.

    Attributes:
        slot_us: when the slot was due, in microseconds.
        interval_us: the check's interval at that time, in microseconds.
        outcome: the outcome of the slot.
        slot_count: how many consecutive slots, from this one on, the result stands for; more than one only for MISSED.
        total_us: the duration of the run, in microseconds; None without a run.
        slow: whether the outcome is UP and the run was flagged as slow.
    """

    slot_us: int
    interval_us: int
    outcome: Outcome
    slot_count: int = 1
    total_us: int | None = None
    slow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Sums over a span [start_us, end_us), of one check or several; times in microseconds.

    Attributes:
        start_us: the start of the span.
        end_us: the end of the span, exclusive.
        life_us: the time in the span in which checks existed and were not off, summed over the checks.
        up_us: time up.
        down_us: time down.
        up_slots: the number of slots that ended UP.
        down_slots: the number of slots that ended DOWN.
        error_slots: the number of slots that ended ERROR.
        missed_slots: the number of slots that ended MISSED.
        slow_slots: the number of slots that ended UP and were flagged as slow.
        latencies: the durations of the runs that ended UP; empty if they were not requested.
        incidents: sums over the incidents of the span; `measure`, which reads results only, leaves them at zero.
    """

    start_us: int
    end_us: int
    life_us: int = 0
    up_us: int = 0
    down_us: int = 0
    up_slots: int = 0
    down_slots: int = 0
    error_slots: int = 0
    missed_slots: int = 0
    slow_slots: int = 0
    latencies: Latencies = field(default_factory=Latencies)
    incidents: IncidentSums = field(default_factory=IncidentSums)

    @property
    def unknown_us(self) -> int:
        """Time in which the state is unknown."""
        return self.life_us - self.up_us - self.down_us

    @property
    def ratio(self) -> float | None:
        """Time up divided by time up or down; None if both are zero."""
        return _share(self.up_us, self.up_us + self.down_us)

    @property
    def success_ratio(self) -> float | None:
        """UP slots divided by UP and DOWN slots; None if there are none."""
        return _share(self.up_slots, self.up_slots + self.down_slots)

    @property
    def slow_ratio(self) -> float | None:
        """Slow slots divided by UP slots; None if there are none."""
        return _share(self.slow_slots, self.up_slots)

    @property
    def coverage(self) -> float | None:
        """Time up or down divided by the life of the checks; None if they have no life in the span."""
        return _share(self.up_us + self.down_us, self.life_us)

    @property
    def mtbf_us(self) -> int | None:
        """Mean time between failures: time up divided by incidents, rounded down.

        None if no incident began in the span, or if the state was unknown all the time.
        """
        if not self.incidents.begun or not self.up_us + self.down_us:
            return None
        return self.up_us // self.incidents.begun

    def __add__(self, other: "Figures") -> "Figures":
        """Add the figures of other checks over the same span (semantics.md §18), or of the same checks over another."""
        return Figures(
            start_us=min(self.start_us, other.start_us),
            end_us=max(self.end_us, other.end_us),
            life_us=self.life_us + other.life_us,
            up_us=self.up_us + other.up_us,
            down_us=self.down_us + other.down_us,
            up_slots=self.up_slots + other.up_slots,
            down_slots=self.down_slots + other.down_slots,
            error_slots=self.error_slots + other.error_slots,
            missed_slots=self.missed_slots + other.missed_slots,
            slow_slots=self.slow_slots + other.slow_slots,
            latencies=self.latencies + other.latencies,
            incidents=self.incidents + other.incidents,
        )


class _SpanTotals:
    """The sums of one span between two edges."""

    __slots__ = ("counted", "held", "latencies", "life_us", "slow")

    def __init__(self) -> None:
        self.life_us = 0
        self.held = {Outcome.UP: 0, Outcome.DOWN: 0}
        self.counted = dict.fromkeys(Outcome, 0)
        self.latencies: Counter[int] = Counter()
        self.slow = 0

    def figures(self, start_us: int, end_us: int) -> Figures:
        return Figures(
            start_us=start_us,
            end_us=end_us,
            life_us=self.life_us,
            up_us=self.held[Outcome.UP],
            down_us=self.held[Outcome.DOWN],
            up_slots=self.counted[Outcome.UP],
            down_slots=self.counted[Outcome.DOWN],
            error_slots=self.counted[Outcome.ERROR],
            missed_slots=self.counted[Outcome.MISSED],
            slow_slots=self.slow,
            latencies=Latencies(self.latencies),
        )


def total(some: Sequence[Figures]) -> Figures:
    """Return the sum of figures, at least one; cheaper than repeated addition if they have latencies."""
    return Figures(
        start_us=min(each.start_us for each in some),
        end_us=max(each.end_us for each in some),
        life_us=sum(each.life_us for each in some),
        up_us=sum(each.up_us for each in some),
        down_us=sum(each.down_us for each in some),
        up_slots=sum(each.up_slots for each in some),
        down_slots=sum(each.down_slots for each in some),
        error_slots=sum(each.error_slots for each in some),
        missed_slots=sum(each.missed_slots for each in some),
        slow_slots=sum(each.slow_slots for each in some),
        latencies=Latencies.sum(each.latencies for each in some),
        incidents=IncidentSums.sum(each.incidents for each in some),
    )


def measure(slots: Iterable[Slot], edges: Sequence[int], on: Sequence[Span]) -> list[Figures]:
    """Return the figures of one check for each span between two edges.

    Args:
        slots: its results in order, without duplicates: those between the first and the last edge, and before them at
            least the last one before the first edge, if it holds or stands for slots after that edge.
        edges: where spans begin and end, ascending.
        on: the spans up to now in which the check existed and was not off, in order and disjoint.
    """
    parts = [_SpanTotals() for _ in range(len(edges) - 1)]
    cells = [
        (max(start, low), min(end, high), part)
        for (start, end), part in zip(pairwise(edges), parts, strict=True)
        for low, high in on
        if max(start, low) < min(end, high)
    ]
    for start, end, part in cells:
        part.life_us += end - start
    first = 0
    last: Slot | None = None
    for slot in slots:
        if last is not None:
            first = _add(last, slot.slot_us, cells, first)
        last = slot
    if last is not None:
        _add(last, edges[-1], cells, first)
    return [part.figures(start, end) for (start, end), part in zip(pairwise(edges), parts, strict=True)]


def _add(slot: Slot, next_us: int, cells: Sequence[tuple[int, int, _SpanTotals]], first: int) -> int:
    """Count a result and the time for which it holds; return the index of the first cell that later results can reach.

    Cells are spans of one part in which the check was on; those before `first` end at or before the slot.
    """
    slot_us, interval_us, outcome, slot_count, total_us, slow = slot
    while first < len(cells) and cells[first][1] <= slot_us:
        first += 1
    if slot_count > 1:
        for start, end, part in cells[first:]:
            part.counted[outcome] += _slots_in(slot, start, end)
    elif first < len(cells) and cells[first][0] <= slot_us:
        part = cells[first][2]
        part.counted[outcome] += 1
        part.slow += slow
        if outcome is Outcome.UP and total_us is not None:
            part.latencies[bucket_of(total_us)] += 1
    if outcome is Outcome.UP or outcome is Outcome.DOWN:
        until = min(next_us, slot_us + HOLD_INTERVALS * interval_us)
        at = first
        while at < len(cells) and cells[at][0] < until:
            start, end, part = cells[at]
            part.held[outcome] += min(end, until) - max(start, slot_us)
            at += 1
    return first


def _slots_in(slot: Slot, start_us: int, end_us: int) -> int:
    """Return how many of the slots that a result stands for lie in [start_us, end_us)."""

    def before(moment: int) -> int:
        return min(slot.slot_count, max(0, -((slot.slot_us - moment) // slot.interval_us)))

    return before(end_us) - before(start_us)


def _share(part: int, whole: int) -> float | None:
    if whole == 0:
        return None
    return (part * _SHOWN // whole) / _SHOWN
