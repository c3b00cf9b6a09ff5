"""What a run observed is in its result."""

from dataclasses import fields
from datetime import UTC, datetime

from services.checks.assertion_outcome import AssertionOutcome, AssertionStatus
from services.checks.failed_attempt import FailedAttempt
from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.checks.specs.heartbeat import HeartbeatSpec
from services.platform.clock import from_datetime
from services.wire.observation import Observation
from services.worker.engine import to_result
from tests.support.worker import a_scheduled_check

# Of a run itself, which no result tells.
INNER = {
    "shakes_hands", "asks", "names_were_silent", "cpu_ns", "waited_ns", "off_loop", "on_phase", "tls_not_after",
}  # fmt: skip
NOT_AFTER = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
FULL = Observation(
    outcome=Outcome.DOWN,
    error_kind=ErrorKind.STATUS,
    error_message="status 503",
    status_code=503,
    dns_us=1,
    connect_us=2,
    tls_us=3,
    ttfb_us=4,
    transfer_us=5,
    total_us=6,
    resolved_ip="2001:db8::1",
    http_version="1.1",
    tls_version="1.3",
    tls_not_after=NOT_AFTER,
    tls_warning="the name is only in CN",
    body_bytes=7,
    redirects=8,
    attempt=3,
    failed_assertions=(
        AssertionOutcome(index=1, subject="status", status=AssertionStatus.FAILED, expected="200", actual="503"),
    ),
    slow=True,
    failed_attempts=(FailedAttempt(ErrorKind.STATUS, "status 500", 500),),
    skipped_attempts=10,
)


def test_a_result_has_everything_that_a_run_observed() -> None:
    check = a_scheduled_check()
    result = to_result(check, 100, 112, FULL, "worker-1")

    told = [each for each in fields(Observation) if each.name not in INNER]
    assert [each.name for each in told if getattr(FULL, each.name) == each.default] == []
    assert {each.name: getattr(result, each.name) for each in told} == {
        each.name: getattr(FULL, each.name) for each in told
    }
    assert (result.tenant_id, result.service_id, result.check_id) == (check.tenant_id, check.service_id, check.id)
    assert (result.slot_us, result.start_us, result.worker_id) == (100, 112, "worker-1")
    assert result.tls_not_after_us == from_datetime(NOT_AFTER)
    left = {each.name for each in fields(Result) if getattr(result, each.name) == each.default}
    assert left == {"missed_reason", "slot_count"}  # a run is of one slot, which was not missed


def test_a_run_that_asks_no_target_has_no_total() -> None:
    assert to_result(a_scheduled_check(spec=HeartbeatSpec()), 0, 0, FULL, "worker-1").total_us is None
