"""A fast path of `uptime.measure` for checks that were UP all the time, which is the common case.

Pure; integer microseconds. If all results are UP, none is slow, all have one interval and each holds until the next
one, together they hold for one contiguous span. It is clipped to the edges, and its slots are counted by bisection. A
property test compares the figures with those of `measure`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import sub

from services.checks.outcome import Outcome
from services.monitor.figures.excluded_time import Span
from services.monitor.figures.latency import Latencies, bucket_of
from services.monitor.figures.uptime import HOLD_INTERVALS, Figures, Slot


@dataclass(frozen=True, slots=True)
class AllUpResults:
    """Results of a check that are all UP and not slow, of one slot each, with one interval and without gaps.

    Attributes:
        slots_us: the slots, ascending; at least one.
        interval_us: the check's interval at that time.
        totals_us: the duration of each run, one per slot; None if not recorded.
    """

    slots_us: Sequence[int]
    interval_us: int
    totals_us: Sequence[int | None]

    def __iter__(self) -> Iterator[Slot]:
        """Yield the results, oldest first."""
        for slot_us, total_us in zip(self.slots_us, self.totals_us, strict=True):
            yield Slot(
                slot_us=slot_us, interval_us=self.interval_us, outcome=Outcome.UP, slot_count=1, total_us=total_us
            )

    def measure(self, edges: Sequence[int], on: Sequence[Span]) -> list[Figures]:
        """Return what `uptime.measure` returns for these results and the same arguments."""
        slots_us, totals_us = self.slots_us, self.totals_us
        since, until = slots_us[0], slots_us[-1] + HOLD_INTERVALS * self.interval_us
        found = []
        for start, end in pairwise(edges):
            life_us = up_us = up_slots = 0
            took: Counter[int] = Counter()
            for low, high in on:
                low, high = max(low, start), min(high, end)  # noqa: PLW2901 — clipped to the span
                if low < high:
                    life_us += high - low
                    up_us += max(0, min(high, until) - max(low, since))
                    first, behind = bisect_left(slots_us, low), bisect_left(slots_us, high)
                    up_slots += behind - first
                    took.update([bucket_of(each) for each in totals_us[first:behind] if each is not None])
            found.append(
                Figures(
                    start_us=start,
                    end_us=end,
                    life_us=life_us,
                    up_us=up_us,
                    down_us=0,
                    up_slots=up_slots,
                    latencies=Latencies(took),
                )
            )
        return found


def is_gapless(slots_us: Sequence[int], interval_us: int) -> bool:
    """Return whether each of some results with one interval holds until the next one."""
    return max(map(sub, slots_us[1:], slots_us), default=0) <= HOLD_INTERVALS * interval_us
