"""The outcome of an assertion in a result, with its conversions to the database's column and the contract's message."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import orjson
from sentinel.monitor.v1 import assertion_pb2 as pb

MOST_REPORTED = 20


class AssertionStatus(IntEnum):
    """The status of an assertion. The numbers are the contract's; a test verifies it."""

    PASSED = 1
    FAILED = 2
    UNKNOWN = 3
    """The value that it examines is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionOutcome:
    """The outcome of an assertion; texts are truncated and contain no secrets.

    Attributes:
        index: its index in the check's list of assertions; None for a shorthand field.
        subject: the value that it examines.
        status: its status.
        expected: the expected value.
        actual: the actual value.
        only_slow: whether it only flags a run as slow.
    """

    index: int | None
    subject: str
    status: AssertionStatus
    expected: str
    actual: str
    only_slow: bool = False


def to_column(failed: Sequence[AssertionOutcome]) -> str | None:
    """Return the value of the column `failed_assertions`; None for no failures."""
    if not failed:
        return None
    rows = [[each.index, each.subject, each.expected, each.actual, each.only_slow] for each in failed]
    return orjson.dumps(rows).decode()


def from_column(column: str | None) -> tuple[AssertionOutcome, ...]:
    """Return the outcomes in the column `failed_assertions`."""
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
    """Return an outcome as a message."""
    return pb.AssertionOutcome(
        index=outcome.index,
        subject=outcome.subject,
        status=outcome.status.value,  # type: ignore[arg-type] # the numbers are the contract's
        expected=outcome.expected,
        actual=outcome.actual,
        only_slow=outcome.only_slow,
    )
