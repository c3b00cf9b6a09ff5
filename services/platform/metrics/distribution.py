"""Histograms of integers. Adding a value is cheap, because latencies are recorded on the hot path.

Only the event loop adds values. Another thread may read at any time: each property is read or copied in one step.
"""

from bisect import bisect_left
from collections.abc import Sequence


class Distribution:
    """A histogram: the counts of values by bucket, and their sum.

    Args:
        bounds: the inclusive upper bounds of the buckets, ascending; one more bucket counts all larger values.
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
        """The inclusive upper bounds of the buckets, ascending."""
        return self._bounds

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of values in each bucket; the last bucket counts the values above all bounds."""
        return tuple(self._counts)

    @property
    def sum(self) -> int:
        """The sum of all values."""
        return self._sum


def cumulative(bounds: Sequence[int], counts: Sequence[int], at: Sequence[int]) -> list[int]:
    """Return how many values are at or below each of some bounds, followed by the number of all values.

    Args:
        bounds: the bounds of the buckets.
        counts: the counts of the buckets, and last the count of values above all bounds.
        at: the bounds to count up to, ascending; a subset of `bounds`.
    """
    wanted, total, found = set(at), 0, []
    for bound, count in zip(bounds, counts, strict=False):
        total += count
        if bound in wanted:
            found.append(total)
    return [*found, sum(counts)]


def quantile(bounds: Sequence[int], counts: Sequence[int], share: float) -> int | None:
    """Return a quantile: the upper bound of the bucket in which a share of all values is reached.

    Args:
        bounds: the bounds of the buckets.
        counts: the counts of the buckets, and last the count of values above all bounds.
        share: the share, in (0, 1].

    Returns:
        The bound; the last one if the quantile is above all bounds; None if there are no values.
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
