"""What a run observed, and the verdict on it, is in its result."""

from dataclasses import Field, fields
from datetime import UTC, datetime
from typing import Any

import pytest

from services.checks.assertion_outcome import AssertionOutcome, AssertionStatus
from services.checks.failed_attempt import FailedAttempt
from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import HttpAuth
from services.platform.clock import from_datetime
from services.wire.body import Body
from services.wire.observation import Observation
from services.wire.probe_failure import LONGEST_MESSAGE
from services.worker.judging.judge import UP, Verdict
from services.worker.results import to_result
from services.worker.schedule import ScheduledCheck
from tests.support.worker import a_scheduled_check

# Attributes of a run that no result has, or that a result has in another form.
INNER = {
    "in_handshake", "is_querying", "resolver_unresponsive", "cpu_ns", "waited_ns", "off_loop", "on_phase", "headers",
    "body", "tls_not_after",
}  # fmt: skip
INNER_OF_VERDICT = {"message", "trouble"}
NOT_AFTER = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
FULL = Observation(
    status_code=503,
    headers=((b"server", b"x"),),
    body=Body((), b"", truncated=False),
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
)
DOWN = Verdict(
    outcome=Outcome.DOWN,
    error_kind=ErrorKind.STATUS,
    message="status 503",
    failed_assertions=(
        AssertionOutcome(index=1, subject="status", status=AssertionStatus.FAILED, expected="200", actual="503"),
    ),
    slow=True,
)
FAILED = (FailedAttempt(ErrorKind.STATUS, "status 500", 500),)


def result_of(check: ScheduledCheck, seen: Observation = FULL, verdict: Verdict = DOWN) -> Result:
    return to_result(check, seen, verdict, FAILED, slot_us=100, start_us=112, worker_id="worker-1")


def test_a_result_has_everything_that_a_run_observed_and_the_verdict_on_it() -> None:
    check = a_scheduled_check(retries=4)
    result = result_of(check)

    told: list[tuple[Observation | Verdict, Field[Any]]] = [
        *((FULL, each) for each in fields(Observation) if each.name not in INNER),
        *((DOWN, each) for each in fields(Verdict) if each.name not in INNER_OF_VERDICT),
    ]
    assert [each.name for record, each in told if getattr(record, each.name) == each.default] == []
    assert {each.name: getattr(result, each.name) for _, each in told} == {
        each.name: getattr(record, each.name) for record, each in told
    }
    assert (result.tenant_id, result.service_id, result.check_id) == (check.tenant_id, check.service_id, check.id)
    assert (result.slot_us, result.start_us, result.worker_id) == (100, 112, "worker-1")
    assert (result.interval_us, result.failed_attempts) == (check.settings.interval_us, FAILED)
    assert result.tls_not_after_us == from_datetime(NOT_AFTER)
    assert (result.skipped_attempts, result.error_message) == (2, "status 503; no time left for 2 more attempts")
    left = {each.name for each in fields(Result) if getattr(result, each.name) == each.default}
    assert left == {"missed_reason", "slot_count"}  # a run is of one slot, which was not missed


def test_a_run_that_asks_no_target_has_no_total() -> None:
    assert result_of(a_scheduled_check(spec=HeartbeatSpec())).total_us is None


@pytest.mark.parametrize("verdict", [UP, Verdict(outcome=Outcome.ERROR, error_kind=ErrorKind.INTERNAL, message="ours")])
def test_only_a_run_that_is_down_skipped_attempts(verdict: Verdict) -> None:
    result = result_of(a_scheduled_check(retries=9), verdict=verdict)

    assert (result.outcome, result.error_message) == (verdict.outcome, verdict.message)
    assert (result.skipped_attempts, result.failed_attempts) == (0, FAILED)


def test_a_message_has_no_secret_and_is_cut_before_what_it_says_of_attempts() -> None:
    spec = HttpSpec(url="http://t/", auth=HttpAuth(bearer_token="s3cr3t-t0ken"))
    verdict = Verdict(outcome=Outcome.DOWN, error_kind=ErrorKind.STATUS, message="s3cr3t-t0ken" + "x" * 500)
    message = result_of(a_scheduled_check(spec=spec, retries=3), verdict=verdict).error_message

    assert message.startswith("[secret]xxx")
    assert len(message) == LONGEST_MESSAGE
    assert message.endswith("x; no time left for 1 more attempt")
