"""Windows begin with full hours or days; a series has edges that rise, and a bad one names its field."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.clock import DAY_US, HOUR_US
from services.common.errors import InvalidArgument
from services.monitor.buckets import BUCKETS, WINDOWS, latest_day, series_edges, window_start

NOW = 20_000 * DAY_US + 7 * HOUR_US + 123_456
KEEP_HOURS = 400 * DAY_US
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
        with pytest.raises(InvalidArgument, match=r"^bucket"):
            series_edges(window, None, None, bucket, now, KEEP_HOURS)
        return
    edges = series_edges(window, None, None, bucket, now, KEEP_HOURS)
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
        ("start_time", "", NOW - DAY_US, None, ""),
        ("end_time", "", NOW - NOW % HOUR_US - HOUR_US, NOW - 5, ""),
        ("end_time", "", NOW - NOW % DAY_US, NOW - NOW % DAY_US, ""),
        ("bucket", "", NOW - NOW % DAY_US - 50 * DAY_US, None, "1h"),
        ("start_time", "", NOW - NOW % DAY_US - 500 * DAY_US + HOUR_US, None, "1d"),
        ("bucket", "", NOW - NOW % DAY_US - 500 * DAY_US, NOW - NOW % DAY_US - 490 * DAY_US, "6h"),
        ("end_time", "", NOW - NOW % DAY_US - 500 * DAY_US, NOW - NOW % DAY_US - 490 * DAY_US + HOUR_US, "1d"),
    ],
)
def test_a_bad_series_names_its_field(field: str, window: str, start: int | None, end: int | None, bucket: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        series_edges(window, start, end, bucket, NOW, KEEP_HOURS)
    assert [violation.field for violation in refused.value.violations] == [field]
