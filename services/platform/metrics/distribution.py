"""How values are spread over buckets: plain integers, cheap to add to, for latencies that are measured by the thousand.

Only the event loop adds. Another thread may read at any time: each read is one copy, so it sees whole additions.
"""

from bisect import bisect_left
from collections.abc import Sequence


class Distribution:
    """Counts of values by bucket.

    Args:
        bounds: the upper bounds of the buckets, rising, each included in its bucket; one more bucket takes the rest.
    """

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[int]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0

    def add(self, value: int) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    @property
    def bounds(self) -> tuple[int, ...]:
        """As given."""
        return self._bounds

    @property
    def counts(self) -> tuple[int, ...]:
        """How many values each bucket has; the last one those above all bounds."""
        return tuple(self._counts)

    @property
    def sum(self) -> int:
        """All values together."""
        return self._sum


def cumulative(bounds: Sequence[int], counts: Sequence[int], at: Sequence[int]) -> list[int]:
    """How many values are at or below each of some bounds, and last how many there are.

    Args:
        bounds: of the buckets.
        counts: of the buckets, with one more for what is above all bounds.
        at: some of the bounds, rising.
    """
    wanted, total, found = set(at), 0, []
    for bound, count in zip(bounds, counts, strict=False):
        total += count
        if bound in wanted:
            found.append(total)
    return [*found, sum(counts)]


def quantile(bounds: Sequence[int], counts: Sequence[int], share: float) -> int | None:
    """A value that a share of all values does not exceed: the upper bound of the bucket where that is reached.

    Args:
        bounds: of the buckets.
        counts: of the buckets, with one more for what is above all bounds; there the last bound is answered.
        share: in (0, 1].

    Returns:
        None without values.
    """
    total = sum(counts)
    if total == 0:
        return None
    reached = 0
    for bound, count in zip(bounds, counts, strict=False):
        reached += count
        if reached >= share * total:
            return bound
    return bounds[-1]
