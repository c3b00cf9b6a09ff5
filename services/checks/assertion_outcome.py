"""What an assertion came to, as results hold it: between the database's column and the contract's message."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import orjson
from sentinel.monitor.v1 import assertion_pb2 as pb

MOST_TOLD = 20


class AssertionStatus(IntEnum):
    """What an assertion came to. The numbers are the contract's; a test holds them together."""

    PASSED = 1
    FAILED = 2
    UNKNOWN = 3
    """What it looks at is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionOutcome:
    """What an assertion came to; texts are cut to size and hold no secrets.

    Attributes:
        index: its place in the check's list of assertions; None for what a shorthand says.
        subject: what it looks at.
        status: what it came to.
        expected: what it expects.
        actual: what was there.
        only_slow: whether it only flags a run as slow.
    """

    index: int | None
    subject: str
    status: AssertionStatus
    expected: str
    actual: str
    only_slow: bool = False


def to_column(failed: Sequence[AssertionOutcome]) -> str | None:
    """As the column `failed_assertions` holds them; None for none, as nearly all results have it."""
    if not failed:
        return None
    rows = [[each.index, each.subject, each.expected, each.actual, each.only_slow] for each in failed]
    return orjson.dumps(rows).decode()


def from_column(column: str | None) -> tuple[AssertionOutcome, ...]:
    """From the column `failed_assertions`."""
    if column is None:
        return ()
    return tuple(
        AssertionOutcome(
            index=index,
            subject=subject,
            status=AssertionStatus.FAILED,
            expected=expected,
            actual=actual,
            only_slow=only_slow,
        )
        for index, subject, expected, actual, only_slow in orjson.loads(column)
    )


def to_message(outcome: AssertionOutcome) -> pb.AssertionOutcome:
    """As the contract says it."""
    return pb.AssertionOutcome(
        index=outcome.index,
        subject=outcome.subject,
        status=outcome.status.value,  # type: ignore[arg-type] # the numbers are the contract's
        expected=outcome.expected,
        actual=outcome.actual,
        only_slow=outcome.only_slow,
    )
