"""From facts to a verdict (semantics.md §9, §12). Pure: the same facts get the same verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.common.outcome import ErrorKind, Outcome
from services.common.specs.assertions import Assertion, StatusIs
from services.worker.facts import Facts
from services.worker.wire.body import Body

_NAMED = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """UP, or DOWN with why."""

    outcome: Outcome
    error_kind: ErrorKind | None = None
    message: str = ""


_UP = Verdict(Outcome.UP)


def judge(assertions: Sequence[Assertion], facts: Facts) -> Verdict:
    """The verdict on what an attempt learned: the first assertion that fails says why.

    Raises:
        ProbeFailure: an assertion needs the body, which is not in the coding that it should be in.
    """
    for assertion in assertions:
        if isinstance(assertion, StatusIs):
            verdict = _status(assertion.codes, facts.status_code)
        else:
            verdict = _contains(assertion.text, facts.body)
        if verdict is not _UP:
            return verdict
    return _UP


def _status(codes: Sequence[int], status: int | None) -> Verdict:
    if status is not None and (status in codes if codes else 200 <= status <= 299):  # noqa: PLR2004 — RFC 9110 §15.3: successful
        return _UP
    wanted = ", ".join(map(str, codes[:_NAMED])) + (" …" if len(codes) > _NAMED else "") or "200 to 299"
    return Verdict(Outcome.DOWN, ErrorKind.STATUS, f"status {status}, expected {wanted}")


def _contains(text: str, body: Body | None) -> Verdict:
    """A body that shows enough is UP, cut off or not."""
    data, truncated = body.read() if body else (b"", False)
    if text.encode() in data:
        return _UP
    if truncated:
        return Verdict(Outcome.DOWN, ErrorKind.TOO_LARGE, "the body is larger than 1 MiB, and so far lacks the text")
    return Verdict(Outcome.DOWN, ErrorKind.ASSERTION, "the body does not contain the text that it should")
