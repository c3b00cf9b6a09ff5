"""The text of assertions and their findings: truncated, with the check's secrets masked."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import orjson

from services.checks.assertion_outcome import AssertionOutcome, AssertionStatus
from services.checks.outcome import ErrorKind
from services.checks.specs.assertions import (
    Assertion,
    BodyContains,
    BodyLacks,
    BodyMatches,
    CertificateLasts,
    HeaderIs,
    JsonPathIs,
    PhaseWithin,
    StatusIs,
    TotalTimeWithin,
)
from services.checks.specs.secrets import masked
from services.platform.clock import SECOND_US
from services.wire.json_text import Literal
from services.worker.judging.findings import Finding, Note

LONGEST_TEXT = 256
_NAMED = 8
# Text is masked before it is truncated. A secret that begins in the truncated text ends within this many bytes.
_LOOKED_AT = 64 * 1024
_COMPARISONS = {
    "equals": "equals",
    "not_equals": "does not equal",
    "contains": "contains",
    "matches": "matches",
    "less_than": "is less than",
    "at_most": "is at most",
    "greater_than": "is greater than",
    "at_least": "is at least",
    "equals_text": "equals the text",
    "not_equals_text": "does not equal the text",
}


def outcome_of(
    assertion: Assertion, found: Finding | None, index: int | None, secrets: Sequence[str]
) -> AssertionOutcome:
    """Return the outcome of an assertion.

    Args:
        assertion: the assertion.
        found: the evaluation; None if the tested value is unknown.
        index: the position in the check's list of assertions; None for one that a shorthand field implies.
        secrets: the texts to mask.
    """
    status = AssertionStatus.UNKNOWN
    if found is not None:
        status = AssertionStatus.PASSED if found.holds else AssertionStatus.FAILED
    return AssertionOutcome(
        index=index,
        subject=truncate(masked(subject(assertion), secrets)),
        status=status,
        expected=truncate(masked(expected(assertion), secrets)),
        actual=truncate(masked(actual(assertion, found.actual), secrets)) if found else "",
        only_slow=flags_only(assertion),
    )


def describe_failure(assertion: Assertion, found: Finding, secrets: Sequence[str]) -> str:
    """Return the error message of a failed assertion, in one sentence; without text from the body.

    Args:
        assertion: the assertion.
        found: the evaluation.
        secrets: the texts to mask.
    """
    if isinstance(assertion, BodyContains | BodyLacks | BodyMatches):
        if isinstance(found.actual, Note):
            return truncate(found.actual)
        said = "does not contain the text" if isinstance(assertion, BodyContains) else "is not conclusive"
        if found.kind is ErrorKind.TOO_LARGE:
            return f"the body is too large to inspect completely, and the inspected part {said}"
        return _OF_BODIES[type(assertion)]
    there = actual(assertion, found.actual)
    if isinstance(assertion, StatusIs):
        said = f"status {there}, expected {expected(assertion)}"
    else:
        said = f"{subject(assertion)}: {there}; expected: {expected(assertion)}"
    return truncate(masked(said, secrets))


_OF_BODIES: dict[type[Assertion], str] = {
    BodyContains: "the body does not contain the expected text",
    BodyLacks: "the body contains the excluded text",
    BodyMatches: "the body does not match the regular expression",
}


def flags_only(assertion: Assertion) -> bool:
    """Return whether a failed assertion flags the run as slow instead of making it DOWN."""
    return isinstance(assertion, TotalTimeWithin | PhaseWithin) and assertion.only_slow


def subject(assertion: Assertion) -> str:
    """Return what an assertion tests, such as "status"."""
    return _SUBJECTS[type(assertion)](assertion)


def expected(assertion: Assertion) -> str:
    """Return what an assertion expects, such as "200 to 299"."""
    return _EXPECTED[type(assertion)](assertion)


def _statuses(assertion: StatusIs) -> str:
    ranges = [each.replace("-", " to ") for each in assertion.ranges]
    named = [*map(str, assertion.codes), *ranges] or ["200 to 299"]
    return ", ".join(named[:_NAMED]) + (" …" if len(named) > _NAMED else "")


def _comparison(assertion: JsonPathIs | HeaderIs) -> str:
    if assertion.comparison == "exists":
        return "is present" if assertion.operand else "is absent"
    operand = assertion.operand if assertion.comparison == "matches" else _json(assertion.operand)
    return f"{_COMPARISONS[assertion.comparison]} {operand}"


def _limit(assertion: TotalTimeWithin | PhaseWithin) -> str:
    return f"at most {_seconds(assertion.limit_us)}"


_Words: TypeAlias = Mapping[type[Assertion], Callable[[Any], str]]
_SUBJECTS: _Words = {
    StatusIs: lambda _: "status",
    BodyContains: lambda _: "body",
    BodyLacks: lambda _: "body",
    BodyMatches: lambda _: "body",
    JsonPathIs: lambda assertion: f"json_path {assertion.path}",
    HeaderIs: lambda assertion: f"header {assertion.name.lower()}",
    CertificateLasts: lambda _: "certificate",
    TotalTimeWithin: lambda _: "total time",
    PhaseWithin: lambda assertion: f"{assertion.phase} time",
}
_EXPECTED: _Words = {
    StatusIs: _statuses,
    BodyContains: lambda assertion: f"contains {_json(assertion.text)}",
    BodyLacks: lambda assertion: f"does not contain {_json(assertion.text)}",
    BodyMatches: lambda assertion: f"matches {assertion.expression}",
    JsonPathIs: _comparison,
    HeaderIs: _comparison,
    CertificateLasts: lambda assertion: f"valid for at least {assertion.days} days",
    TotalTimeWithin: _limit,
    PhaseWithin: _limit,
}


def actual(assertion: Assertion, found: Any) -> str:  # noqa: ANN401 — Finding.actual has any type
    """Return the actual value as text, to be masked and then truncated."""
    if isinstance(found, Note):
        return found
    if isinstance(found, bytes | bytearray):
        return found[:_LOOKED_AT].decode(errors="replace")
    if isinstance(assertion, TotalTimeWithin | PhaseWithin):
        return _seconds(found)
    if isinstance(found, timedelta):
        return f"valid for {found.days} days" if found >= timedelta(0) else "expired"
    return _json(found)


def truncate(text: str) -> str:
    """Truncate a text to 256 characters, and replace NUL, which PostgreSQL cannot store."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _json(value: Any) -> str:  # noqa: ANN401 — any JSON
    """Return the JSON of a scalar; type and size of a list or an object."""
    if isinstance(value, list):
        return f"array of length {len(value)}"
    if isinstance(value, dict):
        return f"object of size {len(value)}"
    if isinstance(value, Literal):
        return value
    if isinstance(value, str):
        # A lone surrogate cannot be encoded as UTF-8.
        value = value[:_LOOKED_AT].encode(errors="replace").decode()
    if isinstance(value, float):
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        if value.is_integer() and abs(value) < 2**53:
            value = int(value)
    return orjson.dumps(value).decode()


def _seconds(microseconds: int) -> str:
    return f"{microseconds / SECOND_US:.3f} s"
