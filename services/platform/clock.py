"""Time as the domain holds it: integer microseconds since the Unix epoch (semantics.md §17), and its edges.

The database speaks datetime, the contract Timestamp and Duration; these are the only conversions, and all are exact.
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
    """The time of the machine's clock."""
    return time.time_ns() // 1000


def to_datetime(time_us: int) -> datetime:
    """As the database takes it."""
    return _EPOCH + timedelta(microseconds=time_us)


def from_datetime(moment: datetime) -> int:
    """As the database gives it; infinity is the last microsecond of the year 9999."""
    # asyncpg reads infinity as the last datetime that there is, and without a zone.
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND


def to_timestamp(time_us: int | None) -> Timestamp | None:
    """As the contract says a point in time; None stays absent."""
    if time_us is None:
        return None
    seconds, micros = divmod(time_us, SECOND_US)
    return Timestamp(seconds=seconds, nanos=micros * 1000)


def from_timestamp(moment: Timestamp) -> int:
    """Microseconds; what is finer is cut off."""
    return moment.seconds * SECOND_US + moment.nanos // 1000


def to_duration(span_us: int | None) -> Duration | None:
    """As the contract says a span; None stays absent."""
    if span_us is None:
        return None
    seconds, micros = divmod(span_us, SECOND_US)
    return Duration(seconds=seconds, nanos=micros * 1000)


def from_duration(span: Duration) -> int:
    """Microseconds; what is finer is cut off."""
    return span.seconds * SECOND_US + span.nanos // 1000
