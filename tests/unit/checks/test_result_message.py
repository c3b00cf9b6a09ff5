"""A result as the contract says it."""

from dataclasses import replace
from uuid import UUID

from services.checks.outcome import Outcome
from services.checks.result import Result, to_message

UP = Result(
    tenant_id=UUID(int=1),
    service_id=UUID(int=2),
    check_id=UUID(int=3),
    slot_us=0,
    interval_us=60_000_000,
    outcome=Outcome.UP,
    worker_id="worker-1",
)


def test_a_warning_about_the_certificate_is_told_and_none_is_empty() -> None:
    assert to_message(replace(UP, tls_warning="the name is only in CN")).tls_warning == "the name is only in CN"
    assert to_message(UP).tls_warning == ""
