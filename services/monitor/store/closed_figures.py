"""Figures of closed hours and days, remembered for a minute: they never change, and who looks looks again."""

from collections.abc import Mapping, Sequence
from time import monotonic
from uuid import UUID

from services.monitor.figures.closing import ClosedSpan, Recorded
from services.monitor.figures.uptime import Figures, total

# Whoever sets a mark back, to have hours made anew, sees the new ones after as long.
_KEPT_S = 60.0
# With five spans and some tens of latencies each: some tens of megabytes.
_MOST_CHECKS = 2_000

_Closed = Sequence[tuple[int, Figures]]
_Spans = tuple[ClosedSpan, ...]


class ClosedFigures:
    """What closed spans of checks told last, with latencies."""

    def __init__(self) -> None:
        self._kept: dict[UUID, tuple[float, _Spans, _Closed]] = {}

    def find(self, check_id: UUID, days: Sequence[ClosedSpan], hours: Sequence[ClosedSpan]) -> _Closed | None:
        """What exactly these spans of a check told, each part once; None if that is not known, or no longer."""
        until, spans, closed = self._kept.get(check_id, (0.0, (), ()))
        return closed if until > monotonic() and spans == (*days, *hours) else None

    def keep(self, read: Mapping[UUID, Recorded], days: Sequence[ClosedSpan], hours: Sequence[ClosedSpan]) -> None:
        """Remember what spans of checks, just read, told."""
        asked: dict[UUID, list[ClosedSpan]] = {}
        for span in (*days, *hours):
            asked.setdefault(span.check_id, []).append(span)
        until = monotonic() + _KEPT_S
        for check_id, spans in asked.items():
            by_part: dict[int, list[Figures]] = {}
            for part, figures in read[check_id].closed:
                by_part.setdefault(part, []).append(figures)
            closed = [(part, total(some)) for part, some in by_part.items()]
            # The one that was remembered first is the first to go.
            self._kept.pop(check_id, None)
            self._kept[check_id] = (until, tuple(spans), closed)
        while len(self._kept) > _MOST_CHECKS:
            del self._kept[next(iter(self._kept))]
