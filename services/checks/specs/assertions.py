"""What a check's author wants to be true of an answer; judge.py in the worker says whether it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.checks.regex import program_size

# Instructions of RE2, of all expressions of one check, and how many bytes each may look at: RE2 needs a few nanoseconds
# for each instruction and byte at the worst, so both bound what a run may cost.
LARGEST_PROGRAMS = 256
LONGEST_MATCHED = 64 * 1024
ROUNDED = 2**53
"""From here on whole numbers are rounded on their way here: the contract has them as double."""

Scalar: TypeAlias = str | float | bool | None


@dataclass(frozen=True, slots=True)
class StatusIs:
    """The status code is one of some or in one of some ranges ("200-299"); any 2xx when there are neither."""

    codes: tuple[int, ...] = ()
    ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BodyContains:
    """The decoded body contains a text."""

    text: str


@dataclass(frozen=True, slots=True)
class BodyLacks:
    """The decoded body does not contain a text."""

    text: str


@dataclass(frozen=True, slots=True)
class BodyMatches:
    """An expression of RE2 matches somewhere in the decoded body."""

    expression: str


@dataclass(frozen=True, slots=True)
class JsonPathIs:
    """A value in a JSON body compares.

    Attributes:
        path: where it is (RFC 9535).
        comparison: equals, not_equals, exists, matches, less_than, at_most, greater_than, at_least, equals_text or
            not_equals_text.
        operand: what it is compared with; whether it shall be there for exists.
    """

    path: str
    comparison: str
    operand: Scalar


@dataclass(frozen=True, slots=True)
class HeaderIs:
    """A header compares.

    Attributes:
        name: its name, in any case.
        comparison: equals, contains, matches or exists.
        operand: what it is compared with; whether it shall be there for exists.
    """

    name: str
    comparison: str
    operand: str | bool


@dataclass(frozen=True, slots=True)
class CertificateLasts:
    """The certificate is valid for so many days at the least."""

    days: int


@dataclass(frozen=True, slots=True)
class TotalTimeWithin:
    """The whole run takes no longer than limit_us; one that does is slow, or DOWN unless only_slow."""

    limit_us: int
    only_slow: bool = False


@dataclass(frozen=True, slots=True)
class PhaseWithin:
    """A phase (dns, connect, tls, ttfb, transfer) takes no longer than limit_us; as above."""

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
# What most checks expect; there is one, so that judging can tell it at a glance.
SUCCESS_ALONE: tuple[Assertion, ...] = (SUCCESS,)
OF_TEXT = frozenset({"equals_text", "not_equals_text"})
"""Comparisons of JsonPathIs with what stands in the body, where numbers are not read."""
_OF_THE_BODY = (BodyContains, BodyLacks, BodyMatches, JsonPathIs)


def read_the_body(assertions: Sequence[Assertion]) -> bool:
    """Whether any of them needs the answer's body."""
    return any(isinstance(each, _OF_THE_BODY) for each in assertions)


def ask_of_the_status(assertions: Sequence[Assertion]) -> bool:
    """Whether any of them is about the status."""
    return any(isinstance(each, StatusIs) for each in assertions)


def programs(assertions: Sequence[Assertion]) -> int:
    """How many instructions of RE2 all their expressions have together.

    Raises:
        ValueError: one is none.
    """
    expressions = [each.expression for each in assertions if isinstance(each, BodyMatches)]
    expressions += [
        str(each.operand)
        for each in assertions
        if isinstance(each, JsonPathIs | HeaderIs) and each.comparison == "matches"
    ]
    return sum(map(program_size, expressions))
