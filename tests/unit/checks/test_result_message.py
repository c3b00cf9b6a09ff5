"""A result as the contract says it."""

from dataclasses import fields, replace
from uuid import UUID

from services.checks.outcome import Outcome
from services.checks.result import RESULT_COLUMNS, Result, from_row, result_columns, to_message
from tests.support.full_results import FULL_RESULT

UP = Result(
    tenant_id=UUID(int=1),
    service_id=UUID(int=2),
    check_id=UUID(int=3),
    slot_us=0,
    interval_us=60_000_000,
    outcome=Outcome.UP,
    worker_id="worker-1",
)


def test_every_attribute_of_a_result_is_tried_here() -> None:
    assert [each.name for each in fields(Result) if getattr(FULL_RESULT, each.name) == each.default] == []


def test_every_attribute_comes_back_from_the_columns_that_are_written() -> None:
    """Without a driver between; those are tested with the stores."""
    columns = [values[0] for values in result_columns([FULL_RESULT])]
    row = dict(zip((each.name for each in RESULT_COLUMNS), columns, strict=True))

    assert from_row(row, int) == FULL_RESULT


def test_null_is_read_as_the_default() -> None:
    columns = [values[0] for values in result_columns([UP])]
    row = dict(zip((each.name for each in RESULT_COLUMNS), columns, strict=True))

    assert {each.name for each in RESULT_COLUMNS if row[each.name] is None} == {
        each.name for each in RESULT_COLUMNS if each.is_nullable
    }
    assert from_row(row, int) == UP


def test_every_field_of_the_message_is_set_and_no_two_from_the_same() -> None:
    message = to_message(FULL_RESULT)

    for part in (message, message.phases):
        assert {field.name for field, _ in part.ListFields()} == set(part.DESCRIPTOR.fields_by_name)
    assert (message.service_id, message.check_id) == (str(UUID(int=2)), str(UUID(int=3)))
    assert (message.slot_time.ToMicroseconds(), message.start_time.ToMicroseconds()) == (1_000_000, 1_000_012)
    assert (message.outcome, message.error_kind, message.missed_reason) == (2, 7, 2)
    phases = message.phases
    steps = (phases.dns, phases.connect, phases.tls, phases.ttfb, phases.transfer, message.total)
    assert [each.ToMicroseconds() for each in steps] == [1, 2, 3, 4, 5, 6]
    assert (message.slot_count, message.body_bytes, message.redirects) == (2, 7, 8)
    assert (message.attempt, message.skipped_attempts) == (3, 10)
    assert message.tls_expire_time.ToMicroseconds() == 9_000_000
    assert (message.http_version, message.tls_version) == ("1.1", "1.3")
    assert (message.failed_assertions[0].actual, message.failed_attempts[0].status_code) == ("503", 500)


def test_what_is_none_is_absent() -> None:
    message = to_message(UP)

    assert not message.HasField("start_time")
    assert not message.HasField("status_code")
    assert not message.HasField("tls_expire_time")
    assert message.phases.ListFields() == []
    assert message.resolved_ip == ""


def test_a_warning_about_the_certificate_is_told_and_none_is_empty() -> None:
    assert to_message(replace(UP, tls_warning="the name is only in CN")).tls_warning == "the name is only in CN"
    assert to_message(UP).tls_warning == ""
