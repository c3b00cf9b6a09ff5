"""The message of an incident contains all recorded details of its first failing slot."""

from dataclasses import fields, replace
from uuid import UUID

from services.checks.outcome import ErrorKind
from services.checks.result import RunDetails
from services.monitor.incidents.incident import Incident
from services.monitor.incidents.messages import incident_message
from tests.support.full_results import FULL_DETAILS

INCIDENT = Incident(
    id=UUID(int=1),
    service_id=UUID(int=2),
    check_id=UUID(int=3),
    service_name="Shop",
    check_name="home",
    start_us=1_000_000,
    detect_us=2_000_000,
    end_us=None,
    resolution=None,
    acknowledge_us=None,
    first=FULL_DETAILS,
    last_cause=None,
)


def test_every_detail_of_the_first_failing_slot_is_in_the_message() -> None:
    message = incident_message(INCIDENT)

    assert [each.name for each in fields(RunDetails) if getattr(FULL_DETAILS, each.name) == each.default] == []
    assert {field.name for field, _ in message.phases.ListFields()} == set(message.phases.DESCRIPTOR.fields_by_name)
    phases = message.phases
    steps = (phases.dns, phases.connect, phases.tls, phases.ttfb, phases.transfer, message.total)
    assert [each.ToMicroseconds() for each in steps] == [1, 2, 3, 4, 5, 6]
    cause = message.cause
    assert (int(cause.error_kind), cause.error_message, cause.status_code) == (int(ErrorKind.STATUS), "status 503", 503)
    assert [each.actual for each in message.failed_assertions] == ["503"]
    assert not message.HasField("last_cause")


def test_an_incident_of_whose_first_slot_nothing_is_left_has_neither_cause_nor_times() -> None:
    message = incident_message(replace(INCIDENT, first=None))

    assert not message.HasField("cause")
    assert not message.HasField("total")
    assert message.phases.ListFields() == []
    assert list(message.failed_assertions) == []
