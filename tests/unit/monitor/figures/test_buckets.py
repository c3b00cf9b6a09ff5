"""Windows begin with full hours or days; a series has edges that rise, and a bad one names its field."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.figures.buckets import BUCKETS, WINDOWS, latest_day, raw_results_since, series_edges, window_start
from services.monitor.figures.rollup import Retention
from services.platform.clock import DAY_US, HOUR_US
from services.platform.errors import InvalidArgument

NOW = 20_000 * DAY_US + 7 * HOUR_US + 123_456
KEEP = Retention(30 * DAY_US, 400 * DAY_US)
PARTS_SINCE = raw_results_since(NOW, KEEP.raw_us)
nows = st.integers(20_000 * DAY_US, 20_010 * DAY_US)


@given(st.sampled_from(sorted(WINDOWS)), nows)
def test_a_window_begins_with_a_full_hour_or_day_not_after_its_length(window: str, now: int) -> None:
    length = WINDOWS[window]
    start = window_start(length, now)
    grain = HOUR_US if length <= 30 * DAY_US else DAY_US

    assert start % grain == 0
    assert 0 <= now - length - start < grain


@given(nows)
def test_the_latest_day_is_24_closed_hours(now: int) -> None:
    start, end = latest_day(now)

    assert end - start == DAY_US
    assert end % HOUR_US == 0
    assert end < now


@given(st.sampled_from(["", *WINDOWS]), st.sampled_from(["", *BUCKETS]), nows)
def test_buckets_cover_the_span_without_gaps(window: str, bucket: str, now: int) -> None:
    if (window, bucket) in {("90d", "1h"), ("365d", "1h"), ("365d", "6h")}:
        with pytest.raises(InvalidArgument, match=r"^bucket") as refused:
            series_edges(window, None, None, bucket, now, KEEP)
        assert refused.value.metadata["limit"] == "1000"
        assert int(refused.value.metadata["actual"]) > 1000
        return
    edges = series_edges(window, None, None, bucket, now, KEEP)
    steps = {later - earlier for earlier, later in pairwise(edges[:-1])}

    assert edges[-1] == now
    assert edges[0] <= now - WINDOWS[window or "30d"]
    assert len(steps) <= 1
    assert not bucket or steps <= {BUCKETS[bucket]}
    assert 0 < edges[-1] - edges[-2] <= max(steps, default=BUCKETS["30d"])


@pytest.mark.parametrize(
    ("field", "window", "start", "end", "bucket"),
    [
        ("start_time", "", None, NOW, ""),
        ("window", "7d", NOW - NOW % HOUR_US - DAY_US, None, ""),
        ("start_time", "", NOW, None, ""),
        ("start_time", "", PARTS_SINCE - 1, None, ""),
        ("end_time", "", PARTS_SINCE - DAY_US, PARTS_SINCE - 1, ""),
        ("start_time", "", NOW - NOW % DAY_US - 40 * DAY_US + 1, NOW, ""),
        ("end_time", "", NOW - NOW % DAY_US, NOW - NOW % DAY_US, ""),
        ("bucket", "", NOW - NOW % DAY_US - 50 * DAY_US, None, "1h"),
        ("start_time", "", NOW - NOW % DAY_US - 500 * DAY_US + HOUR_US, None, "1d"),
        ("bucket", "", NOW - NOW % DAY_US - 500 * DAY_US, NOW - NOW % DAY_US - 490 * DAY_US, "6h"),
        ("end_time", "", NOW - NOW % DAY_US - 500 * DAY_US, NOW - NOW % DAY_US - 490 * DAY_US + HOUR_US, "1d"),
    ],
)
def test_a_bad_series_names_its_field(field: str, window: str, start: int | None, end: int | None, bucket: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        series_edges(window, start, end, bucket, NOW, KEEP)
    assert [violation.field for violation in refused.value.violations] == [field]


@given(nows, st.integers(0, 28 * DAY_US), st.integers(1, 28 * DAY_US), st.sampled_from(["", *BUCKETS]))
def test_a_span_begins_and_ends_where_it_is_asked_to_and_cuts_no_hour_between(
    now: int, length: int, before: int, bucket: str
) -> None:
    start = max(raw_results_since(now, KEEP.raw_us), now - before)
    end = start + 1 + length
    edges = series_edges("", start, end, bucket, now, KEEP)

    assert (edges[0], edges[-1]) == (start, min(end, now))
    assert all(earlier < later for earlier, later in pairwise(edges))
    assert all(edge % HOUR_US == 0 for edge in edges[1:-1])
    assert len({later - earlier for earlier, later in pairwise(edges[1:-1])}) <= 1
    assert edges[1] - edges[0] <= BUCKETS[bucket or "1d"]


def test_where_results_are_gone_full_hours_are_asked_for_and_where_hours_are_full_days() -> None:
    old, older = NOW - NOW % DAY_US - 40 * DAY_US + HOUR_US, NOW - NOW % DAY_US - 500 * DAY_US

    assert list(series_edges("", old, old + HOUR_US, "1h", NOW, KEEP)) == [old, old + HOUR_US]
    assert list(series_edges("", older, older + DAY_US, "1d", NOW, KEEP)) == [older, older + DAY_US]
