"""From an answer to a verdict (semantics.md §9, §12). Pure: the same answer gets the same verdict."""

from dataclasses import dataclass

from services.common.outcome import ErrorKind, Outcome
from services.common.spec import HttpSpec

_NAMED = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """UP, or DOWN with why."""

    outcome: Outcome
    error_kind: ErrorKind | None = None
    message: str = ""


_UP = Verdict(Outcome.UP)


def judge(spec: HttpSpec, status: int) -> Verdict:
    """The verdict on an answer's status code."""
    expected = spec.expected_statuses
    if status in expected if expected else 200 <= status <= 299:  # noqa: PLR2004 — RFC 9110 §15.3: successful
        return _UP
    wanted = ", ".join(map(str, expected[:_NAMED])) + (" …" if len(expected) > _NAMED else "") or "200 to 299"
    return Verdict(Outcome.DOWN, ErrorKind.STATUS, f"status {status}, expected {wanted}")


def judge_body(spec: HttpSpec, body: bytes, *, truncated: bool) -> Verdict:
    """The verdict on an answer's body, decoded, as far as it was read; one that shows enough is UP, cut off or not."""
    if spec.body_contains.encode() in body:
        return _UP
    if truncated:
        return Verdict(Outcome.DOWN, ErrorKind.TOO_LARGE, "the body is larger than 1 MiB, and so far lacks the text")
    return Verdict(Outcome.DOWN, ErrorKind.ASSERTION, "the body does not contain the text that it should")
