"""A result in which each attribute has a value of its own, for the tests of everything that carries results.

A new attribute of `Result` gets a value here; the tests fail while one is left at its default.
"""

from typing import Any
from uuid import UUID

from services.checks.assertion_outcome import AssertionOutcome, AssertionStatus
from services.checks.failed_attempt import FailedAttempt
from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.result import Result, RunDetails

DETAILS: dict[str, Any] = {
    "error_kind": ErrorKind.STATUS,
    "error_message": "status 503",
    "status_code": 503,
    "dns_us": 1,
    "connect_us": 2,
    "tls_us": 3,
    "ttfb_us": 4,
    "transfer_us": 5,
    "total_us": 6,
    "failed_assertions": (
        AssertionOutcome(index=1, subject="status", status=AssertionStatus.FAILED, expected="200", actual="503"),
    ),
}
"""The attributes of `RunDetails`."""
FULL_DETAILS = RunDetails(**DETAILS)
# More than one run can end as, so that no attribute is left at its default.
FULL_RESULT = Result(
    **DETAILS,
    tenant_id=UUID(int=1),
    service_id=UUID(int=2),
    check_id=UUID(int=3),
    slot_us=1_000_000,
    interval_us=60_000_000,
    outcome=Outcome.DOWN,
    worker_id="worker-1",
    start_us=1_000_012,
    missed_reason=MissedReason.OVERLOADED,
    slot_count=2,
    body_bytes=7,
    redirects=8,
    attempt=3,
    tls_not_after_us=9_000_000,
    resolved_ip="2001:db8::1",
    http_version="1.1",
    tls_version="1.3",
    tls_warning="the name is only in CN",
    slow=True,
    failed_attempts=(FailedAttempt(ErrorKind.STATUS, "status 500", 500),),
    skipped_attempts=10,
)
