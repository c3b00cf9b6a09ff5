"""The results that a worker makes: of a run, of missed slots, and of errors of the worker itself."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from services.checks.failed_attempt import FailedAttempt
from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.result import Result
from services.checks.stored import compiled
from services.platform.clock import from_datetime
from services.wire.observation import Observation
from services.worker.dispatch import MissedSlots
from services.worker.error_message import error_message
from services.worker.judging.judge import Verdict
from services.worker.schedule import ScheduledCheck


def to_result(
    check: ScheduledCheck,
    seen: Observation,
    verdict: Verdict,
    failed_attempts: tuple[FailedAttempt, ...] = (),
    *,
    slot_us: int,
    start_us: int,
    worker_id: str,
) -> Result:
    """Return the result of a run.

    Args:
        check: the check.
        seen: what the run observed.
        verdict: the verdict on its last attempt.
        failed_attempts: the attempts before it.
        slot_us: the slot that was run.
        start_us: when the run began.
        worker_id: the worker that ran it.
    """
    skipped = check.settings.retries + 1 - seen.attempt if verdict.outcome is Outcome.DOWN else 0
    message = error_message(verdict.message, check.spec, skipped) if verdict.message else ""
    return _to_result(check, seen, verdict, failed_attempts, skipped, message, slot_us, start_us, worker_id)


def _compiled_to_result() -> Callable[..., Result]:
    """Return a function that takes each attribute of a result from where there is one of the same name."""
    given = {
        "tenant_id": "check.tenant_id",
        "service_id": "check.service_id",
        "check_id": "check.id",
        "interval_us": "check.settings.interval_us",
        # A run that probes no target has no latency.
        "total_us": "seen.total_us if check.spec.CONTACTS_TARGET else None",
        "tls_not_after_us": "from_datetime(seen.tls_not_after) if seen.tls_not_after else None",
    }
    parameters = ("failed_attempts", "skipped_attempts", "error_message", "slot_us", "start_us", "worker_id")
    sources = (
        {name: name for name in parameters},
        {each.name: f"verdict.{each.name}" for each in fields(Verdict)},
        {each.name: f"seen.{each.name}" for each in fields(Observation)},
    )
    values = dict(given)
    for source in sources:
        values |= {each.name: source[each.name] for each in fields(Result) if each.name in source.keys() - given.keys()}
    expression = f"Result({', '.join(f'{name}={value}' for name, value in values.items())})"
    names = {"Result": Result, "from_datetime": from_datetime}
    return compiled(f"check, seen, verdict, {', '.join(parameters)}", expression, names)


_to_result = _compiled_to_result()


def to_missed(lapse: MissedSlots, worker_id: str) -> Result:
    """Return missed slots as one result."""
    check, missed = lapse.check, lapse.missed
    return Result(
        tenant_id=check.tenant_id,
        service_id=check.service_id,
        check_id=check.id,
        slot_us=missed.first_us,
        interval_us=missed.interval_us,
        outcome=Outcome.MISSED,
        worker_id=worker_id,
        missed_reason=MissedReason(lapse.reason),
        slot_count=missed.count,
    )


def as_missed(result: Result, count: int) -> Result:
    """Return the slots from a result's on as missed, since the database was away."""
    return _instead_of(result, Outcome.MISSED, missed_reason=MissedReason.DATABASE_AWAY, slot_count=count)


def as_error(result: Result, message: str) -> Result:
    """Return the same slot as an internal ERROR (semantics.md §9)."""
    return _instead_of(
        result,
        Outcome.ERROR,
        start_us=result.start_us,
        error_kind=ErrorKind.INTERNAL,
        error_message=message,
        attempt=max(1, result.attempt),
    )


def _instead_of(result: Result, outcome: Outcome, **rest: Any) -> Result:  # noqa: ANN401 — attributes of a result
    """Return a result of the same slot, by the same worker, without what the run observed."""
    return Result(
        tenant_id=result.tenant_id,
        service_id=result.service_id,
        check_id=result.check_id,
        slot_us=result.slot_us,
        interval_us=result.interval_us,
        outcome=outcome,
        worker_id=result.worker_id,
        **rest,
    )
