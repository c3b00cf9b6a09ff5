"""A cache of the figures of closed hours and days for one minute: they do not change, and clients poll them."""

from collections.abc import Mapping, Sequence
from time import monotonic
from uuid import UUID

from services.monitor.figures.closed_hours import CheckHistory, ClosedSpan
from services.monitor.figures.uptime import Figures, total

# If a watermark is set back to recompute hours, the new figures appear after this time.
_TTL_S = 60.0
# Each entry has five spans with tens of latency buckets each, so the cache takes tens of megabytes at most.
_MOST_CHECKS = 2_000

ClosedParts = Sequence[tuple[int, Figures]]
"""Figures, each with the index of the span between two edges that contains it."""
_Spans = tuple[ClosedSpan, ...]


class ClosedFigures:
    """A cache of the figures of closed spans by check, with latencies."""

    def __init__(self) -> None:
        self._entries: dict[UUID, tuple[float, _Spans, ClosedParts]] = {}

    def find(self, check_id: UUID, days: Sequence[ClosedSpan], hours: Sequence[ClosedSpan]) -> ClosedParts | None:
        """Return the cached figures of exactly these spans of a check, one per part; None if they are not cached."""
        until, spans, closed = self._entries.get(check_id, (0.0, (), ()))
        return closed if until > monotonic() and spans == (*days, *hours) else None

    def store(self, read: Mapping[UUID, CheckHistory], days: Sequence[ClosedSpan], hours: Sequence[ClosedSpan]) -> None:
        """Cache figures that were just read.

        Args:
            read: the recorded data, by check.
            days: the spans of closed days that were read.
            hours: the spans of closed hours that were read.
        """
        asked: dict[UUID, list[ClosedSpan]] = {}
        for span in (*days, *hours):
            asked.setdefault(span.check_id, []).append(span)
        until = monotonic() + _TTL_S
        for check_id, spans in asked.items():
            by_part: dict[int, list[Figures]] = {}
            for part, figures in read[check_id].closed:
                by_part.setdefault(part, []).append(figures)
            closed = [(part, total(some)) for part, some in by_part.items()]
            # A dict keeps the order of insertion: the oldest entry is evicted first.
            self._entries.pop(check_id, None)
            self._entries[check_id] = (until, tuple(spans), closed)
        while len(self._entries) > _MOST_CHECKS:
            del self._entries[next(iter(self._entries))]
