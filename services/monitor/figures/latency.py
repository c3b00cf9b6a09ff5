"""How long runs took, as counts by bucket (semantics.md §19). Pure; microseconds.

A bucket's width is at most a 64th of where it begins, and a value is told as its bucket's middle, so a percentile is
off by at most 0.8 %. Buckets are the same everywhere: counts of two spans, added, are the counts of both.
"""

import struct
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

# Below 128 each value has a bucket of its own; above, each power of two has 64.
_SPLIT_BITS = 6
_SPLIT = 1 << _SPLIT_BITS
_BUCKET_BYTES = 2
_COUNT_BYTES = 4
_ENTRY_BYTES = _BUCKET_BYTES + _COUNT_BYTES
# Entries that are added up in one go: a millisecond.
_A_STEP = 5_000


def bucket_of(value_us: int) -> int:
    """The bucket of a value that is not negative."""
    shift = max(0, value_us.bit_length() - _SPLIT_BITS - 1)
    return shift * _SPLIT + (value_us >> shift)


def middle_of(bucket: int) -> int:
    """The middle of a bucket."""
    shift = max(0, bucket // _SPLIT - 1)
    first = (bucket - shift * _SPLIT) << shift
    return first + ((1 << shift) - 1) // 2


class Latencies:
    """Counts of latencies by bucket; never changed once made.

    Args:
        counts: how many are in each bucket that has any.

    Attributes:
        counts: as given.
    """

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: Mapping[int, int] = counts or {}

    @classmethod
    def sum(cls, some: Iterable["Latencies"]) -> "Latencies":
        """All of several."""
        total: Counter[int] = Counter()
        for each in some:
            # Counter.update with a mapping adds.
            total.update(each.counts)
        return cls(total)

    @classmethod
    def gather(cls, buckets: bytes, counts: bytes) -> "Latencies":
        """All of several that were packed, given all their buckets, one after the other, and so all counts."""
        size = len(buckets) // _BUCKET_BYTES
        total: dict[int, int] = {}
        for bucket, count in zip(struct.unpack(f"<{size}H", buckets), struct.unpack(f"<{size}I", counts), strict=True):
            total[bucket] = total.get(bucket, 0) + count
        return cls(total)

    @classmethod
    def gather_in_steps(cls, buckets: bytes, counts: bytes) -> Iterator["Latencies"]:
        """Gather some thousand entries at a time, for whoever has other things to do in between; their sum is all."""
        size = len(buckets) // _BUCKET_BYTES
        for start in range(0, size, _A_STEP):
            end = start + _A_STEP
            of_buckets = buckets[start * _BUCKET_BYTES : end * _BUCKET_BYTES]
            yield cls.gather(of_buckets, counts[start * _COUNT_BYTES : end * _COUNT_BYTES])

    @classmethod
    def unpack(cls, packed: bytes) -> "Latencies":
        """As they were packed."""
        size = len(packed) // _ENTRY_BYTES
        numbers = struct.unpack(f"<{size}H{size}I", packed)
        return cls(dict(zip(numbers[:size], numbers[size:], strict=True)))

    def pack(self) -> bytes:
        """As the database keeps them: the buckets, rising, two bytes each, then their counts, four bytes each."""
        buckets = sorted(self.counts)
        return struct.pack(f"<{len(buckets)}H{len(buckets)}I", *buckets, *(self.counts[each] for each in buckets))

    def percentile(self, share: float) -> int | None:
        """A latency that a share of all, in (0, 1], does not exceed; None without any."""
        found = self.percentiles(share)
        return found[0] if found else None

    def percentiles(self, *shares: float) -> list[int]:
        """The same for several shares, rising; empty without any."""
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
