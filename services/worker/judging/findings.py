"""The evaluation of each kind of assertion on observations. Pure, with a cost bounded by the size of the response.

A finding holds values. descriptions.py renders them as text, only when the text is needed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from services.checks.json_path import MOST_LOOKED_AT, TooManyValuesError, find, steps_of
from services.checks.outcome import ErrorKind
from services.checks.regex import compiled
from services.checks.specs.assertions import (
    LONGEST_MATCHED,
    OF_TEXT,
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
from services.wire.body import Body
from services.wire.json_text import TooDeepError
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure


class Note(str):
    """A description that stands in a finding when there is no actual value."""

    __slots__ = ()


class Finding(NamedTuple):
    """The evaluation of an assertion.

    Attributes:
        holds: whether the assertion holds.
        actual: the actual value: JSON, bytes of a header or body, a status, a time in microseconds; or a Note.
        kind: the error kind if the assertion does not hold.
    """

    holds: bool
    actual: Any
    kind: ErrorKind = ErrorKind.ASSERTION


_DAY_S = 86_400
SUCCESSFUL = range(200, 300)  # RFC 9110 §15.3
_NO_BODY = Body((), b"", truncated=False)
_NOTHING, _NOT_MEASURED = Note("absent"), Note("not measured")


def evaluate_assertion(assertion: Assertion, seen: Observation, now_us: int) -> Finding:
    """Evaluate an assertion.

    Args:
        assertion: the assertion.
        seen: the observations of the attempt.
        now_us: the present time in microseconds since the epoch, for certificates.

    Raises:
        Exception: an internal error, which a response of a target cannot cause.
    """
    try:
        if isinstance(assertion, CertificateLasts):
            return _certificate(assertion, seen.tls_not_after, now_us)
        return _FINDERS[type(assertion)](assertion, seen)
    except ProbeFailure as failure:  # the body cannot be decoded
        return _failed(Note(failure.sentence), failure.kind)


def _passed(actual: Any) -> Finding:  # noqa: ANN401 — Finding.actual has any type
    return Finding(holds=True, actual=actual)


def _failed(actual: Any, kind: ErrorKind = ErrorKind.ASSERTION) -> Finding:  # noqa: ANN401 — Finding.actual has any type
    return Finding(holds=False, actual=actual, kind=kind)


def _status(assertion: StatusIs, seen: Observation) -> Finding:
    status = seen.status_code
    codes, ranges = assertion.codes, assertion.ranges
    if codes or ranges:
        holds = status in codes or (status is not None and any(status in each for each in _spans(ranges)))
    else:
        holds = status is not None and status in SUCCESSFUL
    return Finding(holds, _NOTHING if status is None else status, ErrorKind.STATUS)


@lru_cache(maxsize=1_024)
def _spans(ranges: tuple[str, ...]) -> tuple[range, ...]:
    return tuple(range(int(each[:3]), int(each[4:]) + 1) for each in ranges)


def _body_contains(assertion: BodyContains, seen: Observation) -> Finding:
    """Evaluate `body_contains`; it holds for a truncated body too if the text is in the part that was read."""
    data, truncated = _body(seen).read()
    return Finding(assertion.text.encode() in data, data, _or_too_large(truncated=truncated))


def _body_lacks(assertion: BodyLacks, seen: Observation) -> Finding:
    """Evaluate `body_not_contains`; it does not hold for a truncated body, whose rest is unknown."""
    data, truncated = _body(seen).read()
    if assertion.text.encode() in data:
        return _failed(data)
    return Finding(not truncated, data, _or_too_large(truncated=truncated))


def _body_matches(assertion: BodyMatches, seen: Observation) -> Finding:
    data, truncated = _body(seen).read()
    cut = truncated or len(data) > LONGEST_MATCHED
    holds = compiled(assertion.expression).search(data[:LONGEST_MATCHED]) is not None
    return Finding(holds, data, _or_too_large(truncated=cut))


def _or_too_large(*, truncated: bool) -> ErrorKind:
    return ErrorKind.TOO_LARGE if truncated else ErrorKind.ASSERTION


def _body(seen: Observation) -> Body:
    return seen.body or _NO_BODY


def _json_path(assertion: JsonPathIs, seen: Observation) -> Finding:
    body = _body(seen)
    try:
        document = body.json_literals() if assertion.comparison in OF_TEXT else body.json()
    except ValueError as error:
        truncated = body.read()[1]
        words = "body is larger than 1 MiB" if truncated else "body is not JSON"
        if isinstance(error, TooDeepError):
            words = "body is not JSON, or is nested too deeply"
        return _failed(Note(words), _or_too_large(truncated=truncated))
    try:
        values = find(steps_of(assertion.path), document)
    except TooManyValuesError:
        return _failed(Note(f"more than {MOST_LOOKED_AT:,} values on the path"))
    return _compared(assertion, values)


def _compared(assertion: JsonPathIs, values: Sequence[Any]) -> Finding:
    """Evaluate a comparison, which has to hold for every value; it does not hold without a value."""
    if assertion.comparison == "exists":
        return Finding(bool(values) is assertion.operand, values[0] if values else _NOTHING)
    if not values:
        return _failed(_NOTHING)
    if (
        assertion.comparison == "matches"
        and sum(len(each) for each in values if isinstance(each, str)) > LONGEST_MATCHED
    ):
        return _failed(Note("more than 64 KiB of text on the path"))
    compare = _COMPARISONS[assertion.comparison]
    for value in values:
        if not compare(value, assertion.operand):
            return _failed(value)
    return _passed(values[0])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(value: object, operand: object) -> bool:
    """Return whether type and value are equal; 1 equals 1.0, but neither "1" nor true."""
    if type(value) is type(operand):
        return value == operand
    return _is_number(value) and _is_number(operand) and value == operand


def _text(value: object) -> str | None:
    """Return the text of a scalar; None for a list or an object. Numbers are of the type Literal here."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return value if isinstance(value, str) else None


def _matches(value: object, operand: Any) -> bool:  # noqa: ANN401 — a str, by the rules of the contract
    return isinstance(value, str) and compiled(operand).search(value.encode(errors="replace")) is not None


# Order comparisons hold for numbers only.
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": _equal,
    "not_equals": lambda value, operand: not _equal(value, operand),
    "matches": _matches,
    "less_than": lambda value, operand: _is_number(value) and value < operand,
    "at_most": lambda value, operand: _is_number(value) and value <= operand,
    "greater_than": lambda value, operand: _is_number(value) and value > operand,
    "at_least": lambda value, operand: _is_number(value) and value >= operand,
    "equals_text": lambda value, operand: _text(value) == operand,
    "not_equals_text": lambda value, operand: _text(value) != operand,
}
_OF_HEADERS: Mapping[str, Callable[[bytes, str], bool]] = {
    "equals": lambda value, operand: value == operand.encode(),
    "contains": lambda value, operand: operand.encode() in value,
    "matches": lambda value, operand: compiled(operand).search(value) is not None,
}


def _header(assertion: HeaderIs, seen: Observation) -> Finding:
    name = assertion.name.lower().encode()
    values = [value for each, value in seen.headers if each.lower() == name]
    actual = values[0] if values else _NOTHING
    if assertion.comparison == "exists":
        return Finding(bool(values) is assertion.operand, actual)
    compare = _OF_HEADERS[assertion.comparison]
    return Finding(any(compare(value, str(assertion.operand)) for value in values), actual)


def _certificate(assertion: CertificateLasts, not_after: datetime | None, now_us: int) -> Finding:
    if not_after is None:
        return _failed(Note("no certificate"))
    left = not_after - datetime.fromtimestamp(now_us / 1e6, UTC)
    return Finding(left.total_seconds() >= assertion.days * _DAY_S, left)


def _total_time(assertion: TotalTimeWithin, seen: Observation) -> Finding:
    total_us = seen.total_us or 0
    return Finding(total_us <= assertion.limit_us, total_us)


def _phase(assertion: PhaseWithin, seen: Observation) -> Finding:
    """Evaluate the limit of a phase; it holds if the run has no such phase, such as TLS in plain HTTP."""
    phase_us = getattr(seen, f"{assertion.phase}_us")
    if phase_us is None:
        return _passed(_NOT_MEASURED)
    return Finding(phase_us <= assertion.limit_us, phase_us)


_FINDERS: Mapping[type[Assertion], Callable[[Any, Observation], Finding]] = {
    StatusIs: _status,
    BodyContains: _body_contains,
    BodyLacks: _body_lacks,
    BodyMatches: _body_matches,
    JsonPathIs: _json_path,
    HeaderIs: _header,
    TotalTimeWithin: _total_time,
    PhaseWithin: _phase,
}
