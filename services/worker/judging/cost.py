"""The upper bound of the CPU time of judging, computed in advance. Pure; measured on one core (docs/performance.md)."""

from collections.abc import Sequence

from services.checks.json_path import MOST_LOOKED_AT, steps_of
from services.checks.regex import program_size
from services.checks.specs.assertions import (
    LONGEST_MATCHED,
    OF_TEXT,
    SUCCESS_ALONE,
    Assertion,
    BodyContains,
    BodyLacks,
    BodyMatches,
    HeaderIs,
    JsonPathIs,
)
from services.wire.json_text import MOST_VALUES_OF_DEEP
from services.wire.observation import Observation

ON_LOOP_US = 5_000
"""Judging whose upper bound exceeds this runs off the event loop, in microseconds."""
# Microseconds per RE2 instruction and byte, per byte of JSON, per byte of JSON whose numbers stay text, per value on a
# path, per byte of a text search.
_MATCHING = 0.005
_PARSING = 0.05
_PARSING_TEXT = 0.2
_WALKING = 0.5
_SEARCHING = 0.001
# Microseconds per value of JSON that is nested deeper than the fast parsers support, and the least such depth.
_PARSING_DEEP = 1.0
_DEEP = 500


def cost_us(assertions: Sequence[Assertion], seen: Observation) -> float:
    """Return the upper bound of the time to judge a response, in microseconds of CPU time."""
    if assertions is SUCCESS_ALONE:
        return 0.0
    body = seen.body
    size = body.most_bytes if body is not None else 0
    parsed = {each.comparison in OF_TEXT for each in assertions if isinstance(each, JsonPathIs)}
    parsing = sum(_PARSING_TEXT if as_text else _PARSING for as_text in parsed) * size
    if parsed and body is not None:
        parsing += _PARSING_DEEP * len(parsed) * min(body.most_values(_DEEP), MOST_VALUES_OF_DEEP)
    return sum(_cost_us(each, seen, size) for each in assertions) + parsing


def _cost_us(assertion: Assertion, seen: Observation, size: int) -> float:
    match assertion:
        case BodyContains() | BodyLacks():
            return _SEARCHING * size
        case BodyMatches(expression):
            return _MATCHING * program_size(expression) * min(size, LONGEST_MATCHED)
        case JsonPathIs(path, comparison, operand):
            # A path of names and indices selects one value. Any other path may select all values, of 2 bytes or more.
            is_plain = all(isinstance(step, str | int) for step in steps_of(path))
            walked = 1 if is_plain else min(MOST_LOOKED_AT, max(size, 2) ** 2)
            if comparison != "matches":
                return _WALKING * walked
            return _WALKING * walked + _MATCHING * program_size(str(operand)) * min(size, LONGEST_MATCHED)
        case HeaderIs(_, "matches", operand):
            return _MATCHING * program_size(str(operand)) * sum(len(value) for _, value in seen.headers)
        case _:
            return 0.0
