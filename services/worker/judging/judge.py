"""The verdict on observations (semantics.md §2, §9). Pure and deterministic; raises no error."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.checks.assertion_outcome import MOST_REPORTED, AssertionOutcome
from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.assertions import SUCCESS_ALONE, Assertion
from services.checks.specs.spec import Spec
from services.wire.observation import Observation
from services.worker.judging.descriptions import describe_failure, flags_only, outcome_of
from services.worker.judging.findings import SUCCESSFUL, Finding, evaluate_assertion


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of a run, with the reason.

    Attributes:
        outcome: UP, DOWN, or ERROR if an assertion could not be evaluated.
        error_kind: the kind of error; None if UP.
        message: the error message; empty if UP.
        failed_assertions: the assertions that failed, including those that only flag the run as slow.
        slow: whether the run is UP and flagged as slow.
        trouble: the exception that prevented the evaluation of an assertion; None if none did.
    """

    outcome: Outcome
    error_kind: ErrorKind | None = None
    message: str = ""
    failed_assertions: tuple[AssertionOutcome, ...] = ()
    slow: bool = False
    trouble: Exception | None = None


UP = Verdict(outcome=Outcome.UP)


def judge(wanted: Spec, seen: Observation, now_us: int) -> Verdict:
    """Return the verdict on the observations of an attempt.

    All assertions are evaluated. The first one that fails determines error kind and message. An assertion that cannot
    be evaluated because of an internal error makes the outcome ERROR, unless another assertion fails.

    Args:
        wanted: the spec of the check.
        seen: the observations; `total_us` is the elapsed time of the run so far.
        now_us: the present time in microseconds since the epoch, for certificates.
    """
    assertions = wanted.assertions
    if assertions is SUCCESS_ALONE and seen.status_code in SUCCESSFUL:
        return UP  # the fast path of nearly all runs, at a quarter of the cost
    failed: list[tuple[int, Assertion, Finding]] = []
    trouble: Exception | None = None
    for position, assertion in enumerate(assertions):
        try:
            found = evaluate_assertion(assertion, seen, now_us)
        except Exception as error:  # noqa: BLE001 — an internal error is ERROR, never DOWN (semantics.md §9)
            trouble = error
            continue
        if not found.holds:
            failed.append((position, assertion, found))
    if not failed and trouble is None:
        return UP
    return _verdict(wanted, failed, trouble)


def _verdict(wanted: Spec, failed: Sequence[tuple[int, Assertion, Finding]], trouble: Exception | None) -> Verdict:
    implied, secrets = wanted.implied_assertions, wanted.secrets()
    reported = tuple(
        outcome_of(assertion, found, _index(position, implied), secrets)
        for position, assertion, found in failed[:MOST_REPORTED]
    )
    for _, assertion, found in failed:
        if not flags_only(assertion):
            message = describe_failure(assertion, found, secrets)
            return Verdict(outcome=Outcome.DOWN, error_kind=found.kind, message=message, failed_assertions=reported)
    if trouble is not None:
        return Verdict(
            outcome=Outcome.ERROR,
            error_kind=ErrorKind.INTERNAL,
            message="an assertion could not be evaluated",
            failed_assertions=reported,
            trouble=trouble,
        )
    return Verdict(outcome=Outcome.UP, failed_assertions=reported, slow=True)


def outcomes(wanted: Spec, seen: Observation, now_us: int) -> Sequence[AssertionOutcome]:
    """Return the outcome of each assertion; UNKNOWN if an internal error prevents its evaluation.

    Args:
        wanted: the spec of the check.
        seen: the observations.
        now_us: the present time in microseconds since the epoch, for certificates.
    """
    reported = []
    implied, secrets = wanted.implied_assertions, wanted.secrets()
    for position, assertion in enumerate(wanted.assertions):
        try:
            found = evaluate_assertion(assertion, seen, now_us)
        except Exception:  # noqa: BLE001 — `judge` reports the same exception, which is logged
            found = None
        reported.append(outcome_of(assertion, found, _index(position, implied), secrets))
    return reported


def _index(position: int, implied: int) -> int | None:
    return None if position < implied else position - implied
