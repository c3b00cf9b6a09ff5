"""semantics.md §19: latencies as counts that merge exactly, with a relative error of at most 0.8 %."""

import math

from hypothesis import given
from hypothesis import strategies as st

from services.monitor.figures.latency import Latencies, bucket_of, middle_of

# As the API promises for latency percentiles (service.proto, Latency).
_RELATIVE_ERROR = 0.008

values = st.integers(0, 2**31 - 1)


def latencies(some: list[int]) -> Latencies:
    return Latencies.sum(Latencies({bucket_of(value): 1}) for value in some)


@given(values)
def test_a_value_is_reported_within_the_relative_error(value: int) -> None:
    assert abs(middle_of(bucket_of(value)) - value) <= _RELATIVE_ERROR * value


def test_the_largest_relative_error_of_all_buckets_is_just_below_the_promised_one() -> None:
    """The least value of a bucket is furthest off, in proportion; each power of two has 64 buckets."""
    least = [(64 + place) << shift for shift in range(25) for place in range(64)]

    largest = max(abs(middle_of(bucket_of(value)) - value) / value for value in least)

    assert 0.007 < largest <= _RELATIVE_ERROR


@given(values, values)
def test_buckets_keep_the_order(one: int, other: int) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(st.lists(values), st.lists(values))
def test_counts_of_two_spans_added_are_those_of_both(one: list[int], other: list[int]) -> None:
    assert latencies(one) + latencies(other) == latencies(one + other)


@given(st.lists(values, min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_within_the_relative_error_of_the_exact_one(some: list[int], share: float) -> None:
    exact = sorted(some)[max(0, math.ceil(share * len(some)) - 1)]
    found = latencies(some).percentile(share)

    assert found is not None
    assert abs(found - exact) <= _RELATIVE_ERROR * exact


def test_without_runs_there_is_no_percentile() -> None:
    assert Latencies().percentile(0.5) is None


@given(st.lists(values))
def test_what_is_packed_is_what_is_unpacked(some: list[int]) -> None:
    assert Latencies.unpack(latencies(some).pack()) == latencies(some)


@given(st.lists(st.integers(0, 10**7), max_size=60), st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4))
def test_several_percentiles_are_each_as_alone(values: list[int], shares: list[float]) -> None:
    shares.sort()
    several = latencies(values)

    assert several.percentiles(*shares) == [several.percentile(share) for share in shares if values]


def test_many_packed_together_add_up_to_all_of_them_in_bounded_steps() -> None:
    some = [latencies(list(range(start, 60 * start, start))) for start in range(1, 300)]
    packed = [each.pack() for each in some]
    buckets = b"".join(each[: len(each) // 3] for each in packed)
    counts = b"".join(each[len(each) // 3 :] for each in packed)

    steps = list(Latencies.gather_in_steps(buckets, counts))

    assert len(steps) == -(-sum(len(each.counts) for each in some) // 5_000) > 1
    assert Latencies.sum(steps) == Latencies.gather(buckets, counts) == Latencies.sum(some)
    assert list(Latencies.gather_in_steps(b"", b"")) == []
