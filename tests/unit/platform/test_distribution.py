"""Counts and quantiles from buckets agree with the values themselves."""

from bisect import bisect_left
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.platform.metrics.distribution import Distribution, cumulative, quantile
from services.worker.metrics import LAG_SHOWN_US, LAG_US

values = st.lists(st.integers(-1_000, 60_000_000), min_size=1)


def distribution(of: list[int]) -> Distribution:
    made = Distribution(LAG_US)
    for value in of:
        made.add(value)
    return made


@given(values)
def test_each_shown_bucket_counts_what_is_at_or_below_its_bound(of: list[int]) -> None:
    made = distribution(of)

    expected = [sum(value <= bound for value in of) for bound in LAG_SHOWN_US]
    assert cumulative(LAG_US, made.counts, LAG_SHOWN_US) == [*expected, len(of)]
    assert made.sum == sum(of)


@given(values, st.floats(0.001, 1))
def test_a_quantile_is_the_bound_above_the_value_that_it_stands_for(of: list[int], share: float) -> None:
    exact = next(value for value in sorted(of) if sum(other <= value for other in of) >= share * len(of))

    expected = LAG_US[min(bisect_left(LAG_US, exact), len(LAG_US) - 1)]
    assert quantile(LAG_US, distribution(of).counts, share) == expected


def test_without_values_there_is_no_quantile() -> None:
    assert quantile(LAG_US, Distribution(LAG_US).counts, 0.5) is None


def test_neighbouring_bounds_of_the_lag_are_less_than_a_third_apart_and_all_that_is_shown_is_among_them() -> None:
    assert list(LAG_US) == sorted(set(LAG_US))
    assert all(3 * high < 4 * low for low, high in pairwise(LAG_US))
    assert set(LAG_SHOWN_US) < set(LAG_US)
    assert (LAG_SHOWN_US[0], LAG_SHOWN_US[-1]) == (1_000, 30_000_000)
