"""Occurrences of a maintenance window: one, or those of an RRULE in a time zone. Pure; times in microseconds.

The rule uses the zone's wall clock, so a window at 02:00 stays at 02:00 when the clock changes. A wall time that is
skipped moves by as much as the clock jumps; of one that occurs twice, the first counts (RFC 5545 §3.3.5). The duration
is physical time.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrule, rrulestr

from services.platform.clock import from_datetime, to_datetime
from services.platform.errors import InvalidArgument

Span = tuple[int, int]

_ALWAYS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
# The parts that may restrict each frequency: few enough that the next date of any rule is found quickly.
_NARROWED_BY = {
    "DAILY": set[str](),
    "WEEKLY": {"BYDAY"},
    "MONTHLY": {"BYDAY", "BYMONTHDAY"},
    "YEARLY": set[str](),
}
_MOST_COUNT = 10_000
_MOST_INTERVAL = 366
_PART = re.compile(r"[A-Z]+=[A-Z0-9,+-]+")
_DAY = r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)"
_DAYS = re.compile(f"{_DAY}(,{_DAY})*")
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)
_PREFIX = "RRULE:"


def occurrences(start_us: int, duration_us: int, rule: str, zone: str, from_us: int, to_us: int) -> list[Span]:
    """Return the spans that begin in [from, to), in order; without a rule, the one that begins at `start_us`.

    Raises:
        InvalidArgument: the rule or the zone is invalid, or the rule does not occur at `start_us`.
    """
    begins = [start_us] if not rule else _recurring(start_us, rule, zone, from_us, to_us)
    return [(begin, begin + duration_us) for begin in begins if from_us <= begin < to_us]


def _recurring(start_us: int, rule: str, zone_name: str, from_us: int, to_us: int) -> list[int]:
    zone = read_zone(zone_name)
    first = to_datetime(start_us).astimezone(zone)
    # A rule counts in whole seconds.
    wall, rest_us = first.replace(tzinfo=None, microsecond=0), first.microsecond
    dates = _read_rule(rule, wall, zone)
    if next(iter(dates), None) != wall or first.fold:
        raise _refused("window.start_time", "must be the first occurrence of rrule")
    found = []
    for date in dates:
        begin = from_datetime(date.replace(tzinfo=zone).astimezone(UTC)) + rest_us
        if begin >= to_us:
            break
        if begin >= from_us:
            found.append(begin)
    return found


def read_zone(name: str) -> ZoneInfo:
    """Return a time zone by name; UTC for an empty name.

    Raises:
        InvalidArgument: the zone does not exist.
    """
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _refused(
            "window.time_zone", "must be a name in the IANA time zone database, such as Europe/Berlin"
        ) from error


def _read_rule(text: str, wall: datetime, zone: ZoneInfo) -> rrule:
    """Parse a rule that begins at a wall time.

    Raises:
        InvalidArgument: the rule is malformed or not supported.
    """
    parts = _parts(text)
    _refuse_others(parts)
    try:
        if until := parts.get("UNTIL"):
            parts["UNTIL"] = _last(until, zone).strftime("%Y%m%dT%H%M%S")
        read = rrulestr(";".join(f"{key}={value}" for key, value in parts.items()), dtstart=wall)
    except (ValueError, OverflowError) as error:
        raise _refused("window.rrule", "must be an RRULE such as FREQ=WEEKLY;BYDAY=SU") from error
    if not isinstance(read, rrule):
        raise _refused("window.rrule", "must be a single RRULE")
    return read


def _last(until: str, zone: ZoneInfo) -> datetime:
    """Return UNTIL in the zone's wall clock, in which the rule's dates are compared.

    Raises:
        InvalidArgument: it is malformed.
        ValueError: the date does not exist.
    """
    read = _UNTIL.fullmatch(until)
    if read is None:
        raise _refused(
            "window.rrule", "must have an UNTIL such as 20301231T235959Z, or 20301231 for the end of that day"
        )
    date, time, is_utc = read.groups()
    # A date without time includes the whole day, as in calendars.
    last = datetime.strptime(f"{date}T{time or '235959'}", "%Y%m%dT%H%M%S")  # noqa: DTZ007 — in the zone, or in UTC
    return last.replace(tzinfo=UTC).astimezone(zone) if is_utc else last


def _refused(field: str, rule: str, limit: int | str = "") -> InvalidArgument:
    return InvalidArgument.field(field, rule, limit=limit)


def _parts(text: str) -> dict[str, str]:
    """Return the parts of a rule by name; case, an RRULE: prefix and a trailing semicolon are ignored."""
    parts: dict[str, str] = {}
    rule = text.strip().upper().removeprefix(_PREFIX).strip().removesuffix(";")
    for part in map(str.strip, rule.split(";")):
        if not _PART.fullmatch(part):
            raise _refused("window.rrule", "must be an RRULE such as FREQ=WEEKLY;BYDAY=SU")
        key, _, value = part.partition("=")
        if key in parts:
            raise _refused("window.rrule", f"must not contain {key} more than once")
        parts[key] = value
    return parts


def _refuse_others(parts: Mapping[str, str]) -> None:
    """Refuse a rule that is not supported."""
    narrowed_by = _NARROWED_BY.get(parts.get("FREQ", ""))
    if narrowed_by is None:
        raise _refused("window.rrule", f"must have a FREQ of {', '.join(_NARROWED_BY)}")
    if unknown := sorted(parts.keys() - _ALWAYS - narrowed_by):
        raise _refused("window.rrule", f"{unknown[0]} is not supported with FREQ={parts['FREQ']}")
    if len(parts.keys() & narrowed_by) > 1 or {"COUNT", "UNTIL"} <= parts.keys():
        raise _refused(
            "window.rrule", "must have at most one of BYDAY and BYMONTHDAY, and at most one of COUNT and UNTIL"
        )
    if not _DAYS.fullmatch(parts.get("BYDAY", "MO")):
        raise _refused("window.rrule", "must have weekdays such as MO, 1MO or -1FR in BYDAY")
    for key, most in (("COUNT", _MOST_COUNT), ("INTERVAL", _MOST_INTERVAL)):
        value = parts.get(key, "1")
        if not (value.isdecimal() and len(value) <= len(str(most)) and 1 <= int(value) <= most):
            raise _refused("window.rrule", f"must have a {key} from 1 to {most}", most)
