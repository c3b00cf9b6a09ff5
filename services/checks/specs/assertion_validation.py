"""The validation of assertions beyond the rules of the contract."""

import math
from collections.abc import Sequence

from services.checks.json_path import steps_of
from services.checks.regex import compiled
from services.checks.specs.assertion_codec import name_of
from services.checks.specs.assertions import (
    LARGEST_PROGRAMS,
    ROUNDED,
    Assertion,
    BodyMatches,
    HeaderIs,
    JsonPathIs,
    StatusIs,
    total_program_size,
)
from services.platform.errors import InvalidArgument


def validate_assertions(assertions: Sequence[Assertion], field: str) -> None:
    """Refuse invalid expressions, paths and operands, empty ranges, and expressions that are too complex in total.

    Args:
        assertions: all assertions of a check.
        field: the path of the list in the request: "check.http.assertions".

    Raises:
        InvalidArgument: naming the field.
    """
    for index, assertion in enumerate(assertions):
        _validate(assertion, f"{field}[{index}].{name_of(assertion)}")
    size = total_program_size(assertions)
    if size > LARGEST_PROGRAMS:
        raise InvalidArgument.field(
            field,
            f"regular expressions are too complex: {size} compiled instructions in total, limit {LARGEST_PROGRAMS}",
            limit=LARGEST_PROGRAMS,
            actual=size,
        )


def _validate(assertion: Assertion, field: str) -> None:
    match assertion:
        case StatusIs(_, ranges):
            for index, each in enumerate(ranges):
                low, _, high = each.partition("-")
                if low > high:
                    raise InvalidArgument.field(f"{field}.ranges[{index}]", "must begin with its lower bound")
        case BodyMatches(expression):
            _validate_expression(expression, field)
        case JsonPathIs(path, comparison, operand):
            try:
                steps_of(path)
            except ValueError as error:
                raise InvalidArgument.field(f"{field}.path", str(error)) from error
            if comparison == "matches":
                _validate_expression(str(operand), f"{field}.matches")
            if isinstance(operand, float):
                _validate_number(operand, f"{field}.{comparison}")
        case HeaderIs(_, "matches", operand):
            _validate_expression(str(operand), f"{field}.matches")


def _validate_number(operand: float, field: str) -> None:
    if not math.isfinite(operand):
        raise InvalidArgument.field(field, "must be a string, a number, true, false or null")
    if abs(operand) >= ROUNDED:
        raise InvalidArgument.field(
            field,
            "must be between -2^53 and 2^53, exclusive, since larger numbers are rounded in transit; "
            'compare the number as text, such as equalsText: "12345678901234567"',
            limit=ROUNDED,
        )


def _validate_expression(expression: str, field: str) -> None:
    try:
        compiled(expression)
    except ValueError as error:
        raise InvalidArgument.field(field, f"invalid RE2 regular expression: {error}") from error
