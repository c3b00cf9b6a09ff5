"""Mergeable histograms of latencies (semantics.md §19). Pure; microseconds.

A bucket is at most 1/64 as wide as its lower bound. A percentile is the middle of a bucket, so its error is at most
0.8 %. All histograms have the same buckets, so those of two spans can be added.
"""

import struct
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

# Each value below 128 has its own bucket; above, each power of two has 64 buckets.
_SPLIT_BITS = 6
_SPLIT = 1 << _SPLIT_BITS
_BUCKET_BYTES = 2
_COUNT_BYTES = 4
_ENTRY_BYTES = _BUCKET_BYTES + _COUNT_BYTES
# The number of entries that are added in one go, which takes about a millisecond.
_BATCH_SIZE = 5_000


def bucket_of(value_us: int) -> int:
    """Return the number of the bucket of a value, which must not be negative."""
    shift = max(0, value_us.bit_length() - _SPLIT_BITS - 1)
    return shift * _SPLIT + (value_us >> shift)


def middle_of(bucket: int) -> int:
    """Return the middle of a bucket, in microseconds."""
    shift = max(0, bucket // _SPLIT - 1)
    first = (bucket - shift * _SPLIT) << shift
    return first + ((1 << shift) - 1) // 2


class Latencies:
    """An immutable histogram of latencies.

    Args:
        counts: the count of each bucket that is not empty.

    Attributes:
        counts: as given.
    """

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: Mapping[int, int] = counts or {}

    @classmethod
    def sum(cls, some: Iterable["Latencies"]) -> "Latencies":
        """Return the sum of several histograms."""
        total: Counter[int] = Counter()
        for each in some:
            # Counter.update adds the counts of a mapping; it does not replace them.
            total.update(each.counts)
        return cls(total)

    @classmethod
    def gather(cls, buckets: bytes, counts: bytes) -> "Latencies":
        """Return the sum of several packed histograms.

        Args:
            buckets: the buckets of all histograms, concatenated.
            counts: the counts of all histograms, concatenated in the same order.
        """
        size = len(buckets) // _BUCKET_BYTES
        total: dict[int, int] = {}
        for bucket, count in zip(struct.unpack(f"<{size}H", buckets), struct.unpack(f"<{size}I", counts), strict=True):
            total[bucket] = total.get(bucket, 0) + count
        return cls(total)

    @classmethod
    def gather_in_steps(cls, buckets: bytes, counts: bytes) -> Iterator["Latencies"]:
        """Yield histograms of some thousand entries each, so that the event loop can run in between.

        The sum of the histograms is what `gather` returns for the same arguments.
        """
        size = len(buckets) // _BUCKET_BYTES
        for start in range(0, size, _BATCH_SIZE):
            end = start + _BATCH_SIZE
            of_buckets = buckets[start * _BUCKET_BYTES : end * _BUCKET_BYTES]
            yield cls.gather(of_buckets, counts[start * _COUNT_BYTES : end * _COUNT_BYTES])

    @classmethod
    def unpack(cls, packed: bytes) -> "Latencies":
        """Return the histogram from the bytes of `pack`."""
        size = len(packed) // _ENTRY_BYTES
        numbers = struct.unpack(f"<{size}H{size}I", packed)
        return cls(dict(zip(numbers[:size], numbers[size:], strict=True)))

    def pack(self) -> bytes:
        """Return the stored form: the buckets, ascending, two bytes each, then their counts, four bytes each."""
        buckets = sorted(self.counts)
        return struct.pack(f"<{len(buckets)}H{len(buckets)}I", *buckets, *(self.counts[each] for each in buckets))

    def percentile(self, share: float) -> int | None:
        """Return the latency that a share of all values, in (0, 1], does not exceed; None if there are no values."""
        found = self.percentiles(share)
        return found[0] if found else None

    def percentiles(self, *shares: float) -> list[int]:
        """Return the percentiles of several ascending shares; empty if there are no values."""
        if not self.counts:
            return []
        buckets = sorted(self.counts)
        reached = list(accumulate(map(self.counts.__getitem__, buckets)))
        return [middle_of(buckets[bisect_left(reached, share * reached[-1])]) for share in shares]

    def __add__(self, other: "Latencies") -> "Latencies":
        fewer, more = (self, other) if len(self.counts) < len(other.counts) else (other, self)
        if not fewer.counts:
            return more
        both = dict(more.counts)
        for bucket, count in fewer.counts.items():
            both[bucket] = both.get(bucket, 0) + count
        return Latencies(both)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Latencies) and dict(self.counts) == dict(other.counts)

    def __hash__(self) -> int:
        return hash(frozenset(self.counts.items()))
