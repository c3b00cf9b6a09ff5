"""The assertions of a check: conditions on a response, which services/worker/judging evaluates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.checks.regex import program_size

# The limits of RE2 instructions for all expressions of a check, and of the bytes that an expression is matched with.
# RE2 takes a few nanoseconds per instruction and byte at most, so both limits bound the CPU cost of a run.
LARGEST_PROGRAMS = 256
LONGEST_MATCHED = 64 * 1024
ROUNDED = 2**53
"""The least integer that is refused as an operand: operands are doubles, which round larger integers."""

Scalar: TypeAlias = str | float | bool | None


@dataclass(frozen=True, slots=True)
class StatusIs:
    """The status code is in a list of codes or ranges.

    Attributes:
        codes: the accepted codes.
        ranges: the accepted ranges, such as "200-299". Without codes and ranges, any 2xx is accepted.
    """

    codes: tuple[int, ...] = ()
    ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BodyContains:
    """The decoded body contains a text.

    Attributes:
        text: the text, compared case-sensitively.
    """

    text: str


@dataclass(frozen=True, slots=True)
class BodyLacks:
    """The decoded body does not contain a text.

    Attributes:
        text: the text, compared case-sensitively.
    """

    text: str


@dataclass(frozen=True, slots=True)
class BodyMatches:
    """A regular expression matches a part of the decoded body.

    Attributes:
        expression: in the syntax of RE2.
    """

    expression: str


@dataclass(frozen=True, slots=True)
class JsonPathIs:
    """A comparison holds for every value on a path in the JSON body.

    Attributes:
        path: a JSONPath (RFC 9535) without filters.
        comparison: equals, not_equals, exists, matches, less_than, at_most, greater_than, at_least, equals_text or
            not_equals_text.
        operand: the value to compare with; for exists, whether a value has to exist.
    """

    path: str
    comparison: str
    operand: Scalar


@dataclass(frozen=True, slots=True)
class HeaderIs:
    """A comparison holds for a header of the response; for at least one of several headers of the same name.

    Attributes:
        name: the name, case-insensitive.
        comparison: equals, contains, matches or exists.
        operand: the text to compare with; for exists, whether the header has to exist.
    """

    name: str
    comparison: str
    operand: str | bool


@dataclass(frozen=True, slots=True)
class CertificateLasts:
    """The certificate remains valid for a number of days.

    Attributes:
        days: the least number of days.
    """

    days: int


@dataclass(frozen=True, slots=True)
class TotalTimeWithin:
    """The whole run takes no longer than a limit.

    Attributes:
        limit_us: the limit, in microseconds.
        only_slow: whether a run above the limit is flagged as slow instead of DOWN.
    """

    limit_us: int
    only_slow: bool = False


@dataclass(frozen=True, slots=True)
class PhaseWithin:
    """A phase of the last hop takes no longer than a limit.

    Attributes:
        phase: dns, connect, tls, ttfb or transfer.
        limit_us: the limit, in microseconds.
        only_slow: whether a run above the limit is flagged as slow instead of DOWN.
    """

    phase: str
    limit_us: int
    only_slow: bool = False


Assertion: TypeAlias = (
    StatusIs
    | BodyContains
    | BodyLacks
    | BodyMatches
    | JsonPathIs
    | HeaderIs
    | CertificateLasts
    | TotalTimeWithin
    | PhaseWithin
)
SUCCESS = StatusIs()
# The assertions of most checks. A singleton, so that judging can identify it with `is`.
SUCCESS_ALONE: tuple[Assertion, ...] = (SUCCESS,)
OF_TEXT = frozenset({"equals_text", "not_equals_text"})
"""Comparisons of JsonPathIs with the literal text in the body; numbers are not parsed."""
_OF_THE_BODY = (BodyContains, BodyLacks, BodyMatches, JsonPathIs)


def need_body(assertions: Sequence[Assertion]) -> bool:
    """Return whether any of the assertions needs the body of the response."""
    return any(isinstance(each, _OF_THE_BODY) for each in assertions)


def check_status(assertions: Sequence[Assertion]) -> bool:
    """Return whether any of the assertions tests the status."""
    return any(isinstance(each, StatusIs) for each in assertions)


def total_program_size(assertions: Sequence[Assertion]) -> int:
    """Return the total number of RE2 instructions of all expressions in the assertions.

    Raises:
        ValueError: an expression is invalid.
    """
    expressions = [each.expression for each in assertions if isinstance(each, BodyMatches)]
    expressions += [
        str(each.operand)
        for each in assertions
        if isinstance(each, JsonPathIs | HeaderIs) and each.comparison == "matches"
    ]
    return sum(map(program_size, expressions))
