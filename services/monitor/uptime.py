"""Uptime over a span of time (semantics.md §16, §17, §18). Pure; integer microseconds until the last division.

A result holds from its slot until the next one, at most two intervals; after that nothing is known. Time up and time
down are what UP and DOWN results hold; ERROR, MISSED and unknown time is outside both. Time in which a check was off is
outside everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.common.outcome import Outcome

_HOLD_INTERVALS = 2
_VERDICTS = (Outcome.UP, Outcome.DOWN)
_SHOWN = 1_000_000  # shares are shown to the sixth digit, cut off: 0.9999999 never reads 1


@dataclass(frozen=True, slots=True)
class Slot:
    """What uptime needs of a result: its slot, its interval then (both µs), and how it ended."""

    slot_us: int
    interval_us: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over a span [start, end), of one check or several; times in microseconds.

    Attributes:
        start_us: where the span begins.
        end_us: where it ends; not included.
        life_us: how much of the span the checks existed and were not off, summed over them.
        up_us: time up.
        down_us: time down.
        up_slots: slots that ended UP.
        down_slots: slots that ended DOWN.
    """

    start_us: int
    end_us: int
    life_us: int = 0
    up_us: int = 0
    down_us: int = 0
    up_slots: int = 0
    down_slots: int = 0

    @property
    def unknown_us(self) -> int:
        """Time of which nothing is known."""
        return self.life_us - self.up_us - self.down_us

    @property
    def ratio(self) -> float | None:
        """Time up over time up or down; None without any."""
        return _share(self.up_us, self.up_us + self.down_us)

    @property
    def success_ratio(self) -> float | None:
        """UP slots over UP and DOWN slots; None without any."""
        return _share(self.up_slots, self.up_slots + self.down_slots)

    @property
    def coverage(self) -> float | None:
        """Time up or down over the checks' life; None when they had none in the span."""
        return _share(self.up_us + self.down_us, self.life_us)

    def __add__(self, other: "Figures") -> "Figures":
        """The figures of both, over the same span (§18)."""
        return Figures(
            self.start_us,
            self.end_us,
            self.life_us + other.life_us,
            self.up_us + other.up_us,
            self.down_us + other.down_us,
            self.up_slots + other.up_slots,
            self.down_slots + other.down_slots,
        )


class Meter:
    """Measures one check over one span, from its results in order.

    Args:
        start_us: where the span begins.
        end_us: where it ends; not included.
        birth_us: when the check was made; the span is clipped to its life.
        now_us: the span is clipped to now, too.
        off: spans [start, end) in which the check was off, apart from each other.
    """

    def __init__(
        self, start_us: int, end_us: int, birth_us: int, now_us: int, off: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._start, self._end = start_us, end_us
        self._low = max(start_us, birth_us)
        self._high = max(self._low, min(end_us, now_us))
        self._off = off
        self._held = dict.fromkeys(_VERDICTS, 0)
        self._counted = dict.fromkeys(_VERDICTS, 0)
        self._last: Slot | None = None

    def add(self, slot: Slot) -> None:
        """Take the next result: each slot once, in order, from two of the longest intervals before the span on."""
        self._held_until(slot.slot_us)
        on = not any(start <= slot.slot_us < end for start, end in self._off)
        if on and slot.outcome in self._counted and self._low <= slot.slot_us < self._high:
            self._counted[slot.outcome] += 1
        self._last = slot

    def figures(self) -> Figures:
        """What has been measured; the last result holds on as far as it may."""
        self._held_until(self._high)
        self._last = None
        return Figures(
            self._start,
            self._end,
            self._on_between(self._low, self._high),
            self._held[Outcome.UP],
            self._held[Outcome.DOWN],
            self._counted[Outcome.UP],
            self._counted[Outcome.DOWN],
        )

    def _held_until(self, next_us: int) -> None:
        last = self._last
        if last is not None and last.outcome in self._held:
            until = min(next_us, last.slot_us + _HOLD_INTERVALS * last.interval_us, self._high)
            self._held[last.outcome] += self._on_between(max(last.slot_us, self._low), until)

    def _on_between(self, start_us: int, end_us: int) -> int:
        """How much of a span the check was not off."""
        off = sum(max(0, min(end_us, end) - max(start_us, start)) for start, end in self._off)
        return max(0, end_us - start_us - off)


def _share(part: int, whole: int) -> float | None:
    if whole == 0:
        return None
    return (part * _SHOWN // whole) / _SHOWN
