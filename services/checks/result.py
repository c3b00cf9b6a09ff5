"""A result: what one slot ended as (semantics.md §8), between the database's row and the contract's message."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sentinel.monitor.v1 import result_pb2 as pb

from services.checks.assertion_outcome import AssertionOutcome, from_column
from services.checks.assertion_outcome import to_message as outcome_message
from services.checks.failed_attempt import FailedAttempt
from services.checks.failed_attempt import from_column as attempts_from_column
from services.checks.failed_attempt import to_message as attempt_message
from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.platform.clock import from_datetime, to_duration, to_timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a slot of a check ended as, or, for MISSED, one or more slots in a row.

    Phases are those of the last hop, in microseconds, and None where they were not reached; total_us is over all hops
    and attempts.

    Attributes:
        slot_us: when it was due.
        start_us: when the run began; None for MISSED.
        interval_us: the check's interval at that time.
        slot_count: how many slots, from slot_us on, this stands for.
        tls_warning: what browsers would refuse about a certificate that was accepted; None for nothing.
        failed_assertions: those that failed.
        slow: whether it is UP, and took longer than a limit that only flags it.
        failed_attempts: the attempts that failed before the last one.
        skipped_attempts: how many further ones did not fit into the timeout.
    """

    tenant_id: UUID
    service_id: UUID
    check_id: UUID
    slot_us: int
    interval_us: int
    outcome: Outcome
    worker_id: str
    start_us: int | None = None
    error_kind: ErrorKind | None = None
    error_message: str = ""
    missed_reason: MissedReason | None = None
    slot_count: int = 1
    status_code: int | None = None
    dns_us: int | None = None
    connect_us: int | None = None
    tls_us: int | None = None
    ttfb_us: int | None = None
    transfer_us: int | None = None
    total_us: int | None = None
    body_bytes: int | None = None
    redirects: int = 0
    attempt: int = 0
    tls_not_after_us: int | None = None
    resolved_ip: str | None = None
    http_version: str | None = None
    tls_version: str | None = None
    tls_warning: str | None = None
    failed_assertions: tuple[AssertionOutcome, ...] = ()
    slow: bool = False
    failed_attempts: tuple[FailedAttempt, ...] = ()
    skipped_attempts: int = 0


class ResultRow(Protocol):
    """A row by column names, whichever driver it came from."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401 — a column's value
        """A column."""


def from_row(row: ResultRow, moment: Callable[[Any], int] = from_datetime) -> Result:
    """A result from a row of `results` or `on_demand_results`.

    Args:
        row: the row.
        moment: microseconds from a point in time as the driver gives it.
    """
    start, not_after, ip = row["start_time"], row["tls_not_after"], row["resolved_ip"]
    kind, reason = row["error_kind"], row["missed_reason"]
    failed_attempts, skipped_attempts = attempts_from_column(row["attempts"])
    return Result(
        tenant_id=row["tenant_id"],
        service_id=row["service_id"],
        check_id=row["check_id"],
        slot_us=moment(row["slot_time"]),
        interval_us=row["interval_us"],
        outcome=Outcome(row["outcome"]),
        worker_id=row["worker_id"],
        start_us=moment(start) if start else None,
        error_kind=ErrorKind(kind) if kind else None,
        error_message=row["error_message"],
        missed_reason=MissedReason(reason) if reason else None,
        slot_count=row["slot_count"],
        status_code=row["status_code"],
        dns_us=row["dns_us"],
        connect_us=row["connect_us"],
        tls_us=row["tls_us"],
        ttfb_us=row["ttfb_us"],
        transfer_us=row["transfer_us"],
        total_us=row["total_us"],
        body_bytes=row["body_bytes"],
        redirects=row["redirects"],
        attempt=row["attempt"],
        tls_not_after_us=moment(not_after) if not_after else None,
        resolved_ip=str(ip) if ip else None,
        http_version=row["http_version"],
        tls_version=row["tls_version"],
        tls_warning=row["tls_warning"],
        failed_assertions=from_column(row["failed_assertions"]),
        slow=row["slow"],
        failed_attempts=failed_attempts,
        skipped_attempts=skipped_attempts,
    )


def to_message(result: Result) -> pb.CheckResult:
    """A result as the contract says it."""
    return pb.CheckResult(
        service_id=str(result.service_id),
        check_id=str(result.check_id),
        slot_time=to_timestamp(result.slot_us),
        start_time=to_timestamp(result.start_us),
        # The numbers are the contract's; a test holds them together.
        outcome=result.outcome.value,  # type: ignore[arg-type]
        error_kind=result.error_kind.value if result.error_kind else None,  # type: ignore[arg-type]
        error_message=result.error_message,
        status_code=result.status_code,
        phases=pb.Phases(
            dns=to_duration(result.dns_us),
            connect=to_duration(result.connect_us),
            tls=to_duration(result.tls_us),
            ttfb=to_duration(result.ttfb_us),
            transfer=to_duration(result.transfer_us),
        ),
        total=to_duration(result.total_us),
        resolved_ip=result.resolved_ip or "",
        http_version=result.http_version or "",
        tls_version=result.tls_version or "",
        tls_warning=result.tls_warning or "",
        tls_expire_time=to_timestamp(result.tls_not_after_us),
        body_bytes=result.body_bytes,
        redirects=result.redirects,
        attempt=result.attempt,
        worker_id=result.worker_id,
        missed_reason=result.missed_reason.value if result.missed_reason else None,  # type: ignore[arg-type]
        slot_count=result.slot_count,
        failed_assertions=[outcome_message(each) for each in result.failed_assertions],
        slow=result.slow,
        failed_attempts=[attempt_message(each) for each in result.failed_attempts],
        skipped_attempts=result.skipped_attempts,
    )
