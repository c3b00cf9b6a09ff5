"""Which spans of time figures are asked for: windows up to now, and buckets of a series. Pure; microseconds, UTC.

Closed hours and days answer for all but the newest. So a window begins with a full hour, a longer one with a full day,
and is up to that much longer than its name says. A span may begin and end anywhere while there are results to tell
parts of hours from; before that with a full hour, and before hours are kept with a full day.
"""

from collections.abc import Sequence

from services.monitor.figures.closing import floor
from services.monitor.figures.rollup import Keep
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US
from services.platform.errors import InvalidArgument

WINDOWS = {"24h": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US, "90d": 90 * DAY_US, "365d": 365 * DAY_US}
BUCKETS = {"1h": HOUR_US, "6h": 6 * HOUR_US, "1d": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US}
MOST_BUCKETS = 1_000
_DEFAULT_WINDOW = "30d"
_LONGEST_BY_HOUR_US = 30 * DAY_US
_LONGEST_IN_HOURS_US = 2 * DAY_US
# What a result holds at most: two intervals of a day.
_LONGEST_HELD_US = 2 * DAY_US
# By then the hours of most checks are closed and rolled up.
_LATELY_US = 10 * MINUTE_US


def window_start(length_us: int, now: int) -> int:
    """Where a window up to now begins."""
    return floor(now - length_us, HOUR_US if length_us <= _LONGEST_BY_HOUR_US else DAY_US)


def latest_day(now: int) -> tuple[int, int]:
    """24 h that end with a full hour: what is asked of many services at once is read from closed hours."""
    end = floor(now - _LATELY_US, HOUR_US)
    return end - DAY_US, end


def first_hour(now: int) -> tuple[int, int]:
    """The same up to now, for what is so new that it has no closed hour yet."""
    return latest_day(now)[0], now


def series_edges(
    window: str, start_us: int | None, end_us: int | None, bucket: str, now: int, keep: Keep
) -> Sequence[int]:
    """The edges of a series' buckets, rising. Buckets begin with full hours; the first and the last may be shorter.

    Args:
        window: a name of WINDOWS, or empty.
        start_us: where to begin instead.
        end_us: where to end then; now if None or later than now.
        bucket: a name of BUCKETS, or empty.
        now: the time.
        keep: how far back results and hours are kept.

    Raises:
        InvalidArgument: naming the field.
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
        _refuse_bad_span(start, end, now, parts_since(now, keep.raw_us))
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
    # Only the ends cut hours, so only there results are read once more.
    return [start, *range(first + size, end, size), end]


def parts_since(now: int, keep_raw_us: int) -> int:
    """Since when parts of hours can be told: results are dropped by the day, and one may hold for two days."""
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
    """Refuse a series that would need hours of so long ago that there are none."""
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
