"""Sums over the incidents of a span: how many began, how many were resolved, and how long those lasted. Pure.

An incident is counted as begun in the span in which it began, and as resolved, with its whole duration, in the span in
which it was resolved. So the sums of consecutive spans, or of several checks, can be added. An incident that ended
because its check was paused or deleted is not counted as resolved and does not enter the mean time to repair.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IncidentSums:
    """Sums over a span [start, end), of one check or several.

    Attributes:
        begun: the number of incidents that began in the span.
        resolved: the number of incidents that were resolved in the span, by recovery or by hand.
        resolved_us: the total duration of those resolved, in microseconds.
    """

    begun: int = 0
    resolved: int = 0
    resolved_us: int = 0

    @classmethod
    def sum(cls, some: Iterable["IncidentSums"]) -> "IncidentSums":
        """Return the sum of several sums."""
        return sum(some, cls())

    @property
    def mttr_us(self) -> int | None:
        """Mean time to repair in microseconds, rounded down; None if no incident was resolved."""
        return self.resolved_us // self.resolved if self.resolved else None

    def __add__(self, other: "IncidentSums") -> "IncidentSums":
        return IncidentSums(
            self.begun + other.begun, self.resolved + other.resolved, self.resolved_us + other.resolved_us
        )
