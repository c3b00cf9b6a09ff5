"""Assertions to JSON and to their messages, and back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.struct_pb2 import Value
from sentinel.monitor.v1 import assertion_pb2 as pb

from services.checks.specs import codec
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
from services.platform.clock import from_duration, to_duration

# By the contract's names, which are what the database calls them too.
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


def name_of(assertion: Assertion) -> str:
    """What the contract calls its kind."""
    return _NAMES[type(assertion)]


def to_json(assertions: Sequence[Assertion]) -> list[dict[str, Any]]:
    """As a spec's column holds them."""
    return [{name_of(each): codec.to_json(each)} for each in assertions]


def from_json(column: Sequence[dict[str, Any]]) -> tuple[Assertion, ...]:
    """From a spec's column."""
    return tuple(codec.from_json(_KINDS[name], fields) for each in column for name, fields in each.items())


def to_message(assertion: Assertion) -> pb.Assertion:
    """As the contract says it."""
    return _WRITTEN[type(assertion)](assertion)


def _json_path_message(assertion: JsonPathIs) -> pb.Assertion:
    operand: Any = assertion.operand
    if assertion.comparison in {"equals", "not_equals"}:
        operand = _value(operand)
    return pb.Assertion(json_path=pb.JsonPathAssertion(path=assertion.path, **{assertion.comparison: operand}))


def _header_message(assertion: HeaderIs) -> pb.Assertion:
    operand: Any = assertion.operand
    return pb.Assertion(header=pb.HeaderAssertion(name=assertion.name, **{assertion.comparison: operand}))


def _phase_message(assertion: PhaseWithin) -> pb.Assertion:
    limit = pb.PhaseLimit(phase=_PREFIX + assertion.phase.upper(), limit=to_duration(assertion.limit_us))
    return pb.Assertion(max_phase_time=limit, only_slow=assertion.only_slow)


_WRITTEN: Mapping[type[Assertion], Callable[[Any], pb.Assertion]] = {
    StatusIs: lambda each: pb.Assertion(status=pb.StatusAssertion(codes=each.codes, ranges=each.ranges)),
    BodyContains: lambda each: pb.Assertion(body_contains=each.text),
    BodyLacks: lambda each: pb.Assertion(body_not_contains=each.text),
    BodyMatches: lambda each: pb.Assertion(body_matches=each.expression),
    JsonPathIs: _json_path_message,
    HeaderIs: _header_message,
    CertificateLasts: lambda each: pb.Assertion(certificate_days_left=each.days),
    TotalTimeWithin: lambda each: pb.Assertion(max_total_time=to_duration(each.limit_us), only_slow=each.only_slow),
    PhaseWithin: _phase_message,
}


def from_message(message: pb.Assertion) -> Assertion:
    """From what the contract's rules let through."""
    return _READ[message.WhichOneof("kind") or ""](message)


def _read_json_path(message: pb.Assertion) -> Assertion:
    comparison = message.json_path.WhichOneof("comparison") or ""
    operand = getattr(message.json_path, comparison)
    return JsonPathIs(message.json_path.path, comparison, _scalar(operand) if isinstance(operand, Value) else operand)


def _read_header(message: pb.Assertion) -> Assertion:
    comparison = message.header.WhichOneof("comparison") or ""
    return HeaderIs(message.header.name, comparison, getattr(message.header, comparison))


def _read_phase(message: pb.Assertion) -> Assertion:
    limit = message.max_phase_time
    phase = pb.TimedPhase.Name(limit.phase).removeprefix(_PREFIX).lower()
    return PhaseWithin(phase, from_duration(limit.limit), message.only_slow)


_READ: Mapping[str, Callable[[pb.Assertion], Assertion]] = {
    "status": lambda message: StatusIs(tuple(message.status.codes), tuple(message.status.ranges)),
    "body_contains": lambda message: BodyContains(message.body_contains),
    "body_not_contains": lambda message: BodyLacks(message.body_not_contains),
    "body_matches": lambda message: BodyMatches(message.body_matches),
    "json_path": _read_json_path,
    "header": _read_header,
    "certificate_days_left": lambda message: CertificateLasts(message.certificate_days_left),
    "max_total_time": lambda message: TotalTimeWithin(from_duration(message.max_total_time), message.only_slow),
    "max_phase_time": _read_phase,
}


def _value(scalar: Scalar) -> Value:
    if scalar is None:
        return Value(null_value=0)  # type: ignore[arg-type] # the enum's only number
    if isinstance(scalar, bool):
        return Value(bool_value=scalar)
    return Value(string_value=scalar) if isinstance(scalar, str) else Value(number_value=scalar)


def _scalar(value: Value) -> Scalar:
    """What a Value holds; a list or an object becomes NaN, which equals nothing, and is refused (refusals.py)."""
    kind = value.WhichOneof("kind")
    if kind == "null_value":
        return None
    if kind in {"string_value", "number_value", "bool_value"}:
        scalar: Scalar = getattr(value, kind)
        return scalar
    return float("nan")
