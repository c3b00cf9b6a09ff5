"""Validation of fields: the universal rules, and the rules that fields declare (protovalidate).

A violated rule is far more expensive than one that holds, so the number of violations is bounded: lists that are too
long are refused before protovalidate runs, and it stops at the first violation of a large request.
"""

import re
from collections.abc import Sequence
from typing import Any

import protovalidate
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from services.platform import logs
from services.platform.errors import MOST_VIOLATIONS, FieldViolation, InvalidArgument
from services.platform.rpc.universal_rules import UniversalRules, shown_key

_log = logs.get("rules")

_FAIL_FAST_BYTES = 64 * 1024
# A violated rule takes 50 microseconds and 2 kB, and each item can violate several.
_FAIL_FAST_ITEMS = 200
_SENTENCE = 450
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_LENGTH = re.compile(r"(min|max)_(len|bytes|items|pairs)")
_RANGE = re.compile(r"[gl]te?(_[gl]te?)?")


class FieldRules:
    """A validator of messages; the rules of each type are compiled once."""

    def __init__(self) -> None:
        self._universal = UniversalRules()
        self._declared = protovalidate.Validator()

    def validate(self, message: Message, at: str = "") -> None:
        """Refuse a message that violates a rule.

        Args:
            message: the message.
            at: the path of the field that contains it; empty for a request.

        Raises:
            InvalidArgument: FIELD_INVALID with a violation for each rule, at most MOST_VIOLATIONS. For a message of
                more than 64 KiB, or with more than 200 items in lists, only the first violation is found.
        """
        universal = self._universal.inspect(message, at)
        if universal.violations:
            # Values that no field may have can make declared rules fail to evaluate.
            raise _refused(universal.violations[:MOST_VIOLATIONS], len(universal.violations))
        fail_fast = universal.items > _FAIL_FAST_ITEMS or message.ByteSize() > _FAIL_FAST_BYTES
        try:
            broken = self._declared.collect_violations(message, fail_fast=fail_fast)
        except protovalidate.EvaluationError as error:
            _log.warning(
                "validation rule could not be evaluated", kind=message.DESCRIPTOR.full_name, error=str(error)[:200]
            )
            raise InvalidArgument(
                "A value in the request violates a validation rule that could not be evaluated."
            ) from None
        if broken:
            violations = [_violation(each, at, message) for each in broken[:MOST_VIOLATIONS]]
            raise _refused(violations, len(broken), stopped=fail_fast)


def _refused(violations: Sequence[FieldViolation], found: int, *, stopped: bool = False) -> InvalidArgument:
    sentence, included = "", 0
    for each in violations:
        part = f"{each.field}: {each.description}"
        if included and len(sentence) + len(part) > _SENTENCE:
            break
        sentence += f"; {part}" if included else part[:_SENTENCE]
        included += 1
    if found > included:
        sentence += f"; and {found - included} more"
    if stopped:
        sentence += "; validation of a large request stops at the first violation"
    return InvalidArgument(sentence, violations, found=found)


def _violation(violation: protovalidate.Violation, at: str, message: Message) -> FieldViolation:
    path, description = _path(violation, at), violation.proto.message
    value = _value(violation, message)
    actual = _actual(violation, value)
    bounds = _NUMBER.findall(description)
    if actual is None or not bounds:
        return FieldViolation(path, description)
    unit = "s" if isinstance(value, Duration) else ""
    limit = bounds[0] if actual < float(bounds[0]) else bounds[-1]
    return FieldViolation(path, description, f"{limit}{unit}", f"{actual}{unit}")


def _value(violation: protovalidate.Violation, message: Message) -> Any:  # noqa: ANN401 — what a field may hold
    """Return the value of the field that a rule names; None if it is inside a list or a map."""
    field = _field_of_rule(violation)
    if not field:
        return violation.field_value
    holder: Any = message
    for element in _elements(violation):
        if element.subscript is not None:
            return None
        holder = getattr(holder, element.field_name)
    return getattr(holder, field, None)


def _elements(violation: protovalidate.Violation) -> Sequence[Any]:
    return violation.proto.field.elements if violation.proto.field else ()


def _field_of_rule(violation: protovalidate.Violation) -> str:
    """Return the field named by a rule of the contract over a whole message; empty for other rules."""
    field, dot, _ = violation.proto.rule_id.rpartition(".")
    return field if dot and not violation.proto.rule else ""


def _actual(violation: protovalidate.Violation, value: Any) -> float | None:  # noqa: ANN401 — as above
    """Return the value that a rule compares with its limit: a number, a length or a duration; None for other rules.

    Never return a text, which may be a secret.
    """
    _, _, rule = violation.proto.rule_id.partition(".")
    if _LENGTH.fullmatch(rule):
        return len(value.encode() if rule.endswith("bytes") else value)
    if not _RANGE.fullmatch(rule) and not _field_of_rule(violation):
        return None
    if isinstance(value, Duration):
        return value.seconds + value.nanos / 1e9 if value.nanos else value.seconds
    return value if isinstance(value, (int, float)) else None


def _path(violation: protovalidate.Violation, at: str) -> str:
    """Return the field's path in the contract's spelling: "check.http.url", "labels['a b']".

    The contract's rules over a whole message name the field by their id, up to the last dot: "timeout.below_interval",
    "user.id.required".
    """
    parts = [at] if at else []
    for element in _elements(violation):
        subscript = f"[{shown_key(element.subscript.value)}]" if element.subscript is not None else ""
        parts.append(element.field_name + subscript)
    field = _field_of_rule(violation)
    return ".".join([*parts, field] if field else parts)
