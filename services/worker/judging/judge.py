"""From an observation to a verdict (semantics.md §2, §9). Pure: the same gets the same verdict, never an exception."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.checks.assertion_outcome import MOST_TOLD, AssertionOutcome
from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.assertions import SUCCESS_ALONE, Assertion
from services.checks.specs.spec import Spec
from services.wire.observation import Observation
from services.worker.judging.findings import SUCCESSFUL, Finding, finding
from services.worker.judging.words import flags_only, outcome_of, sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a run ended, and why.

    Attributes:
        outcome: UP; DOWN; or ERROR when we could not judge.
        error_kind: why it is not UP.
        message: the same in words.
        failed_assertions: those that failed; those too that only flag it as slow.
        slow: whether it is UP, and flagged as slow.
        trouble: what kept us from judging.
    """

    outcome: Outcome
    error_kind: ErrorKind | None = None
    message: str = ""
    failed_assertions: tuple[AssertionOutcome, ...] = ()
    slow: bool = False
    trouble: Exception | None = None


UP = Verdict(outcome=Outcome.UP)


def judge(wanted: Spec, seen: Observation, now_us: int) -> Verdict:
    """Return the verdict on what an attempt observed.

    Every assertion is looked at. The first that fails says why; one that we cannot evaluate, for a reason of our own,
    makes it ERROR unless another one fails.

    Args:
        wanted: what the check expects.
        seen: what was observed; its total_us is that of the run so far.
        now_us: the time, for what expires.
    """
    assertions = wanted.assertions
    if assertions is SUCCESS_ALONE and seen.status_code in SUCCESSFUL:
        return UP  # as nearly all runs end: at a quarter of the cost
    failed: list[tuple[int, Assertion, Finding]] = []
    trouble: Exception | None = None
    for position, assertion in enumerate(assertions):
        try:
            found = finding(assertion, seen, now_us)
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
    told = tuple(
        outcome_of(assertion, found, _index(position, implied), secrets)
        for position, assertion, found in failed[:MOST_TOLD]
    )
    for _, assertion, found in failed:
        if not flags_only(assertion):
            message = sentence(assertion, found, secrets)
            return Verdict(outcome=Outcome.DOWN, error_kind=found.kind, message=message, failed_assertions=told)
    if trouble is not None:
        return Verdict(
            outcome=Outcome.ERROR,
            error_kind=ErrorKind.INTERNAL,
            message="an assertion could not be evaluated",
            failed_assertions=told,
            trouble=trouble,
        )
    return Verdict(outcome=Outcome.UP, failed_assertions=told, slow=True)


def outcomes(wanted: Spec, seen: Observation, now_us: int) -> Sequence[AssertionOutcome]:
    """Return what each assertion came to, for people to see; those that we cannot evaluate are UNKNOWN."""
    told = []
    implied, secrets = wanted.implied_assertions, wanted.secrets()
    for position, assertion in enumerate(wanted.assertions):
        try:
            found = finding(assertion, seen, now_us)
        except Exception:  # noqa: BLE001 — the verdict says so, and the log has it
            found = None
        told.append(outcome_of(assertion, found, _index(position, implied), secrets))
    return told


def _index(position: int, implied: int) -> int | None:
    return None if position < implied else position - implied
