"""Conversions of assertions to the JSON of their messages, and back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sentinel.monitor.v1 import assertion_pb2 as pb

from services.checks.specs import message_json
from services.checks.specs.assertions import (
    Assertion,
    BodyContains,
    BodyLacks,
    BodyMatches,
    CertificateLasts,
    HeaderIs,
    JsonPathIs,
    PhaseWithin,
    Scalar,
    StatusIs,
    TotalTimeWithin,
)
from services.checks.specs.codec import span_from_json, span_to_json

# By field name of the Assertion message.
_KINDS: dict[str, type[Assertion]] = {
    "status": StatusIs,
    "body_contains": BodyContains,
    "body_not_contains": BodyLacks,
    "body_matches": BodyMatches,
    "json_path": JsonPathIs,
    "header": HeaderIs,
    "certificate_days_left": CertificateLasts,
    "max_total_time": TotalTimeWithin,
    "max_phase_time": PhaseWithin,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_PREFIX = "TIMED_PHASE_"
_ONLY_SLOW = "only_slow"


def name_of(assertion: Assertion) -> str:
    """Return the field of the Assertion message for the kind of an assertion, such as "body_contains"."""
    return _NAMES[type(assertion)]


def to_json(assertions: Sequence[Assertion]) -> list[dict[str, Any]]:
    """Return the JSON of a list of Assertion messages."""
    return [_one_to_json(each) for each in assertions]


def from_json(json: Sequence[Mapping[str, Any]]) -> tuple[Assertion, ...]:
    """Return the assertions in such a list, without those of unknown kinds, which a later version has added."""
    return tuple(
        _READ[name](value, only_slow=each.get(_ONLY_SLOW, False))
        for each in json
        for name, value in each.items()
        if name in _READ
    )


def from_message(message: pb.Assertion) -> Assertion:
    """Return the assertion of a message that was validated by the rules of the contract."""
    (assertion,) = from_json([message_json.to_json(message)])
    return assertion


def _one_to_json(assertion: Assertion) -> dict[str, Any]:
    written = {name_of(assertion): _WRITTEN[type(assertion)](assertion)}
    return {**written, _ONLY_SLOW: True} if getattr(assertion, _ONLY_SLOW, False) else written


_WRITTEN: Mapping[type[Assertion], Callable[[Any], Any]] = {
    StatusIs: lambda each: {"codes": list(each.codes), "ranges": list(each.ranges)},
    BodyContains: lambda each: each.text,
    BodyLacks: lambda each: each.text,
    BodyMatches: lambda each: each.expression,
    JsonPathIs: lambda each: {"path": each.path, each.comparison: each.operand},
    HeaderIs: lambda each: {"name": each.name, each.comparison: each.operand},
    CertificateLasts: lambda each: each.days,
    TotalTimeWithin: lambda each: span_to_json(each.limit_us),
    PhaseWithin: lambda each: {"phase": _PREFIX + each.phase.upper(), "limit": span_to_json(each.limit_us)},
}


def _read_json_path(json: Mapping[str, Any]) -> JsonPathIs:
    path, comparison, operand = _comparison(json, "path")
    return JsonPathIs(path, comparison, _scalar(operand))


def _comparison(json: Mapping[str, Any], subject: str) -> tuple[str, str, Any]:
    """Return the subject, the comparison and the operand; the JSON has exactly one comparison."""
    ((comparison, operand),) = ((name, value) for name, value in json.items() if name != subject)
    return json.get(subject, ""), comparison, operand


_READ: Mapping[str, Callable[..., Assertion]] = {
    "status": lambda json, **_: StatusIs(tuple(json.get("codes", ())), tuple(json.get("ranges", ()))),
    "body_contains": lambda json, **_: BodyContains(json),
    "body_not_contains": lambda json, **_: BodyLacks(json),
    "body_matches": lambda json, **_: BodyMatches(json),
    "json_path": lambda json, **_: _read_json_path(json),
    "header": lambda json, **_: HeaderIs(*_comparison(json, "name")),
    "certificate_days_left": lambda json, **_: CertificateLasts(json),
    "max_total_time": lambda json, only_slow: TotalTimeWithin(span_from_json(json), only_slow),
    "max_phase_time": lambda json, only_slow: PhaseWithin(
        json["phase"].removeprefix(_PREFIX).lower(), span_from_json(json["limit"]), only_slow
    ),
}


def _scalar(operand: Any) -> Scalar:  # noqa: ANN401 — any JSON
    """Return an operand; NaN for a list or an object, which assertion_validation.py refuses."""
    if operand is None or isinstance(operand, str | bool):
        return operand
    # A number of google.protobuf.Value is a double, also without a fraction.
    return float(operand) if isinstance(operand, int | float) else float("nan")
