"""When maintenance windows are: the wall clock keeps its hour when clocks change, and bad rules are named."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.maintenance import in_maintenance
from services.monitor.maintenance.recurrence import occurrences, read_zone
from services.platform.clock import DAY_US, HOUR_US, from_datetime, to_datetime
from services.platform.errors import InvalidArgument

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
RULES = st.sampled_from(["FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"])
WALLS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)).map(lambda wall: wall.replace(microsecond=0))  # noqa: DTZ001 — a wall time


def utc(text: str) -> int:
    """Microseconds of a moment in UTC."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


def begins(start: str, rule: str, zone: str, days: int) -> list[str]:
    """When a window of an hour begins in the days from its start on."""
    start_us = utc(start)
    spans = occurrences(start_us, HOUR_US, rule, zone, start_us, start_us + days * DAY_US)
    assert all(end - begin == HOUR_US for begin, end in spans)
    return [to_datetime(begin).strftime("%m-%d %H:%M") for begin, _ in spans]


def test_a_window_keeps_its_hour_on_the_wall_when_the_clock_changes() -> None:
    weekly = "FREQ=WEEKLY;BYDAY=SU"
    assert begins("2026-03-15T02:00", weekly, "Europe/Berlin", 25) == [
        "03-15 02:00",
        "03-22 02:00",
        "03-29 01:00",
        "04-05 01:00",
    ]
    # 02:30 is skipped on 29 March, and comes twice on 25 October.
    assert begins("2026-03-28T01:30", "FREQ=DAILY", "Europe/Berlin", 2) == ["03-28 01:30", "03-29 01:30", "03-30 00:30"]
    assert begins("2026-10-24T00:30", "FREQ=DAILY", "Europe/Berlin", 3) == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]
    assert begins("2026-03-28T01:00", "FREQ=DAILY;UNTIL=20260330T000000Z", "Europe/Berlin", 9) == [
        "03-28 01:00",
        "03-29 01:00",
        "03-30 00:00",
    ]
    assert begins("2026-03-28T01:00", "", "Europe/Berlin", 9) == ["03-28 01:00"]


@given(wall=WALLS, zone=ZONES, rule=RULES, cut=st.integers(0, 400))
def test_however_a_horizon_is_cut_the_spans_are_the_same_and_on_the_wall(
    wall: datetime, zone: str, rule: str, cut: int
) -> None:
    start_us = from_datetime(wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
    end_us, cut_us = start_us + 400 * DAY_US, start_us + cut * DAY_US
    whole = occurrences(start_us, HOUR_US, rule, zone, start_us, end_us)

    parts = [
        *occurrences(start_us, HOUR_US, rule, zone, start_us, cut_us),
        *occurrences(start_us, HOUR_US, rule, zone, cut_us, end_us),
    ]
    assert parts == whole
    assert whole[0] == (start_us, start_us + HOUR_US)
    assert all(one < other for one, other in pairwise(whole))
    first = to_datetime(start_us).astimezone(ZoneInfo(zone))
    for begin, _ in whole:
        local = to_datetime(begin).astimezone(ZoneInfo(zone))
        # Off by the jump only where the wall time is skipped.
        late = abs(
            timedelta(hours=local.hour - first.hour, minutes=local.minute - first.minute, seconds=local.second)
            - timedelta(seconds=first.second)
        )
        assert late in (timedelta(0), timedelta(minutes=30), timedelta(hours=1), timedelta(hours=23))
        assert in_maintenance(begin, whole)
    assert not in_maintenance(start_us - 1, whole)
    assert not in_maintenance(whole[-1][1], whole)


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=SU",
        "rrule:freq=weekly;count=3;byday=su",
        "FREQ=WEEKLY;COUNT=3;BYDAY=SU;",
        "RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=SU;",
        " FREQ=WEEKLY; COUNT=3; BYDAY=SU\r\n",
        "FREQ=WEEKLY;WKST=MO;COUNT=3;INTERVAL=1;BYDAY=SU",
        "Freq=Weekly;Until=20260405;ByDay=Su",
        "FREQ=WEEKLY;UNTIL=20260405T020000;BYDAY=SU",
        "FREQ=WEEKLY;UNTIL=20260405t000000z;BYDAY=SU",
    ],
)
def test_a_rule_may_be_written_as_calendars_do(rule: str) -> None:
    """The last one is at 02:00 in Berlin, which is 00:00 in UTC."""
    expected = begins("2026-03-22T01:00", "FREQ=WEEKLY;BYDAY=SU;COUNT=3", "Europe/Berlin", 60)

    assert len(expected) == 3
    assert begins("2026-03-22T01:00", rule, "Europe/Berlin", 60) == expected


@pytest.mark.parametrize(
    ("until", "count"), [("20260330", 3), ("20260329", 2), ("20260330T025959", 2), ("20260330T030000", 3)]
)
def test_a_date_until_which_a_rule_goes_counts_as_a_whole_in_the_rules_zone(until: str, count: int) -> None:
    found = begins("2026-03-28T02:00", f"FREQ=DAILY;UNTIL={until}", "Europe/Berlin", 9)
    assert len(found) == count


@pytest.mark.parametrize(
    "rule",
    [
        "x",
        "RRULE:",
        "RRULE:RRULE:FREQ=DAILY",
        "EXRULE:FREQ=DAILY",
        "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY",
        "FREQ=DAILY;;",
        ";FREQ=DAILY",
        "FREQ=DAILY;UNTIL=2030-01-01",
        "FREQ=DAILY;UNTIL=20300101T00Z",
        "FREQ=DAILY;UNTIL=20300101Z",
        "FREQ=DAILY;UNTIL=20301301",
        "FREQ=HOURLY",
        "FREQ=SECONDLY",
        "COUNT=3",
        "FREQ=DAILY;BYDAY=MO",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=MONTHLY;BYDAY=9SU",
        "FREQ=MONTHLY;BYDAY=SU;BYMONTHDAY=1",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=99999999999",
        "FREQ=DAILY;INTERVAL=367",
        "FREQ=DAILY;COUNT=2;UNTIL=20300101T000000Z",
        "FREQ=DAILY;UNTIL=20301301T000000Z",
        "FREQ=DAILY;WKST=XX",
        "FREQ=DAILY\nFREQ=DAILY",
    ],
)
def test_a_rule_without_meaning_is_refused_by_name(rule: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        begins("2026-03-15T02:00", rule, "UTC", 1)
    assert [violation.field for violation in refused.value.violations] == ["window.rrule"]


def test_a_start_that_is_not_of_the_rule_and_an_unknown_zone_are_refused_by_name() -> None:
    with pytest.raises(InvalidArgument) as refused:
        begins("2026-03-16T02:00", "FREQ=WEEKLY;BYDAY=SU", "UTC", 1)
    assert [violation.field for violation in refused.value.violations] == ["window.start_time"]
    for zone in ("Mars/Olympus", "../etc/passwd", "/etc/localtime", "\0"):
        with pytest.raises(InvalidArgument) as refused:
            read_zone(zone)
        assert [violation.field for violation in refused.value.violations] == ["window.time_zone"]
