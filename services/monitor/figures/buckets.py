"""The spans of time that figures are computed for: windows up to now, and buckets of a series. Pure; microseconds, UTC.

Roll-ups cover all but the newest hours. Therefore a window of up to 30 days begins at a full hour and a longer one at a
full day, so it is up to an hour or a day longer than its nominal length. A span may begin and end at any time while raw
results are kept, at a full hour while hours are kept, and at a full day before that.
"""

from collections.abc import Sequence

from services.monitor.figures.closed_hours import floor
from services.monitor.figures.rollup import Retention
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US
from services.platform.errors import InvalidArgument

WINDOWS = {"24h": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US, "90d": 90 * DAY_US, "365d": 365 * DAY_US}
BUCKETS = {"1h": HOUR_US, "6h": 6 * HOUR_US, "1d": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US}
MOST_BUCKETS = 1_000
_DEFAULT_WINDOW = "30d"
_LONGEST_BY_HOUR_US = 30 * DAY_US
_LONGEST_IN_HOURS_US = 2 * DAY_US
# The longest time for which a result holds: two intervals of one day.
_LONGEST_HELD_US = 2 * DAY_US
# How long after its end an hour is rolled up for most checks.
_LATELY_US = 10 * MINUTE_US


def window_start(length_us: int, now: int) -> int:
    """Return the start of a window that ends now."""
    return floor(now - length_us, HOUR_US if length_us <= _LONGEST_BY_HOUR_US else DAY_US)


def latest_day(now: int) -> tuple[int, int]:
    """Return the latest 24 h that end at a full hour, so that figures of many services need closed hours only."""
    end = floor(now - _LATELY_US, HOUR_US)
    return end - DAY_US, end


def first_hour(now: int) -> tuple[int, int]:
    """Return the span of `latest_day` extended to now, for services that have no closed hour yet."""
    return latest_day(now)[0], now


def series_edges(
    window: str, start_us: int | None, end_us: int | None, bucket: str, now: int, keep: Retention
) -> Sequence[int]:
    """Return the ascending edges of a series' buckets.

    Buckets begin at full hours; the first and the last one may be shorter than the others.

    Args:
        window: a name of WINDOWS; empty for 30d, or if `start_us` is given.
        start_us: the start of a span; None for a window up to now.
        end_us: the end of the span; now if None or later than now.
        bucket: a name of BUCKETS; empty for 1h in spans of up to two days, and 1d in longer ones.
        now: the present time.
        keep: how long raw results and hours are kept.

    Raises:
        InvalidArgument: the named field is invalid, or needs data that retention has removed.
    """
    if start_us is None:
        if end_us is not None:
            raise InvalidArgument.field("start_time", "is required when end_time is set")
        length = WINDOWS[window or _DEFAULT_WINDOW]
        size = _size(bucket, length)
        start, end = floor(window_start(length, now), min(size, DAY_US)), now
    else:
        if window:
            raise InvalidArgument.field("window", "cannot be combined with start_time")
        start, end = start_us, now if end_us is None else min(end_us, now)
        _refuse_bad_span(start, end, now, raw_results_since(now, keep.raw_us))
        size = _size(bucket, end - start)
    if start < now - keep.hourly_us:
        _refuse_hours(start, end, size, now - keep.hourly_us)
    first = floor(start, HOUR_US)
    count = (end - first - 1) // size + 1
    if count > MOST_BUCKETS:
        raise InvalidArgument.field(
            "bucket",
            f"must be larger: a series has at most {MOST_BUCKETS} buckets; this one has {count}",
            limit=MOST_BUCKETS,
            actual=count,
        )
    # Only the first and the last edge may cut an hour, so raw results are read only there.
    return [start, *range(first + size, end, size), end]


def raw_results_since(now: int, keep_raw_us: int) -> int:
    """Return the time from which parts of an hour can be computed.

    Raw results are dropped by day, and a result may hold for two days.
    """
    return floor(now - keep_raw_us, DAY_US) + _LONGEST_HELD_US


def _refuse_bad_span(start: int, end: int, now: int, parts_since_us: int) -> None:
    if start >= now:
        raise InvalidArgument.field("start_time", "must be in the past")
    if start >= end:
        raise InvalidArgument.field("end_time", "must be later than start_time")
    if start % HOUR_US and start < parts_since_us:
        raise InvalidArgument.field(
            "start_time", "must be aligned to a full hour (UTC): raw results for this period were removed by retention"
        )
    if end % HOUR_US and end < parts_since_us:
        raise InvalidArgument.field(
            "end_time", "must be aligned to a full hour (UTC): raw results for this period were removed by retention"
        )


def _refuse_hours(start: int, end: int, size: int, hours_since: int) -> None:
    """Raise InvalidArgument if a series needs hours that retention has removed."""
    if start % DAY_US:
        raise InvalidArgument.field(
            "start_time", "must be aligned to a full day (UTC): hourly data for this period was removed by retention"
        )
    if size % DAY_US:
        raise InvalidArgument.field(
            "bucket", "must be at least 1d: hourly data for this period was removed by retention"
        )
    if end < hours_since and end % DAY_US:
        raise InvalidArgument.field(
            "end_time", "must be aligned to a full day (UTC): hourly data for this period was removed by retention"
        )


def _size(bucket: str, length_us: int) -> int:
    if bucket:
        return BUCKETS[bucket]
    return HOUR_US if length_us <= _LONGEST_IN_HOURS_US else DAY_US
