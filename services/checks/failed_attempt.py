"""The failed attempts of a run before its last one, with their conversions to column and message."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sentinel.monitor.v1 import result_pb2 as pb

from services.checks.outcome import ErrorKind


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that failed and was followed by another one.

    Attributes:
        error_kind: the kind of error.
        error_message: the message, truncated and without secrets.
        status_code: the status code of the response; None without a response.
    """

    error_kind: ErrorKind
    error_message: str
    status_code: int | None = None


def to_column(failed: Sequence[FailedAttempt], skipped: int) -> str | None:
    """Return the value of the column `attempts`; None if there is nothing to store.

    Args:
        failed: the attempts, in order.
        skipped: how many further attempts did not fit into the timeout.
    """
    if not failed and not skipped:
        return None
    return orjson.dumps(
        [skipped, *([each.error_kind, each.error_message, each.status_code] for each in failed)]
    ).decode()


def from_column(column: str | None) -> tuple[tuple[FailedAttempt, ...], int]:
    """Return the failed attempts in the column `attempts`, and how many were skipped."""
    if column is None:
        return (), 0
    skipped, *failed = orjson.loads(column)
    return tuple(FailedAttempt(ErrorKind(kind), message, code) for kind, message, code in failed), skipped


def to_message(failed: FailedAttempt) -> pb.FailedAttempt:
    """Return a failed attempt as a message."""
    return pb.FailedAttempt(
        error_kind=failed.error_kind.value,  # type: ignore[arg-type] # the numbers are the contract's
        error_message=failed.error_message,
        status_code=failed.status_code,
    )
