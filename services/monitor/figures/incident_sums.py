"""What incidents add to the figures of a span: how many began, and how long those had been that were resolved. Pure.

An incident counts where it began, and once more, with all of its time, where it was resolved. So the sums of spans that
follow one another, or of several checks, added, are those of all. One that ended since nobody watched any more was not
seen to be repaired: it is in no mean.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IncidentSums:
    """Sums over a span [start, end), of one check or several.

    Attributes:
        begun: how many began in it.
        resolved: how many were resolved in it, by recovery or by hand.
        resolved_us: how long those had been, together, in microseconds.
    """

    begun: int = 0
    resolved: int = 0
    resolved_us: int = 0

    @classmethod
    def sum(cls, some: Iterable["IncidentSums"]) -> "IncidentSums":
        """All of several."""
        return sum(some, cls())

    @property
    def mttr_us(self) -> int | None:
        """Mean time to repair, cut off; None where none was resolved."""
        return self.resolved_us // self.resolved if self.resolved else None

    def __add__(self, other: "IncidentSums") -> "IncidentSums":
        return IncidentSums(
            self.begun + other.begun, self.resolved + other.resolved, self.resolved_us + other.resolved_us
        )
