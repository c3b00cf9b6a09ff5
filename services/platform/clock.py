"""Time in the domain: integer microseconds since the Unix epoch (semantics.md §17), and its conversions.

The database uses datetime, the contract Timestamp and Duration. All conversions are here, and are exact.
"""

import time
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now_us() -> int:
    """Return the time of the machine's clock, in microseconds."""
    return time.time_ns() // 1000


def to_datetime(time_us: int) -> datetime:
    """Return a time as a datetime for the database."""
    return _EPOCH + timedelta(microseconds=time_us)


def from_datetime(moment: datetime) -> int:
    """Return the microseconds of a datetime; infinity is the last microsecond of the year 9999."""
    # asyncpg returns infinity as datetime.max, without a zone.
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND


def to_timestamp(time_us: int | None) -> Timestamp | None:
    """Return a time as a Timestamp; None stays None."""
    if time_us is None:
        return None
    seconds, micros = divmod(time_us, SECOND_US)
    return Timestamp(seconds=seconds, nanos=micros * 1000)


def from_timestamp(moment: Timestamp) -> int:
    """Return the microseconds of a Timestamp, truncated."""
    return moment.seconds * SECOND_US + moment.nanos // 1000


def to_duration(span_us: int | None) -> Duration | None:
    """Return a span as a Duration; None stays None."""
    if span_us is None:
        return None
    seconds, micros = divmod(span_us, SECOND_US)
    return Duration(seconds=seconds, nanos=micros * 1000)


def from_duration(span: Duration) -> int:
    """Return the microseconds of a Duration, truncated."""
    return span.seconds * SECOND_US + span.nanos // 1000
