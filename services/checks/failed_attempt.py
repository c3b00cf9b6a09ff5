"""The attempts of a run that failed before its last one: between the database's column and the contract's message."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sentinel.monitor.v1 import result_pb2 as pb

from services.checks.outcome import ErrorKind


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that failed, and was followed by another one.

    Attributes:
        error_kind: why.
        error_message: the same in words, cut to size and without secrets.
        status_code: the answer's; None without an answer.
    """

    error_kind: ErrorKind
    error_message: str
    status_code: int | None = None


def to_column(failed: Sequence[FailedAttempt], skipped: int) -> str | None:
    """As the column `attempts` holds them; None for none, as nearly all results have it.

    Args:
        failed: the attempts in their order.
        skipped: how many further ones did not fit into the timeout.
    """
    if not failed and not skipped:
        return None
    return orjson.dumps(
        [skipped, *([each.error_kind, each.error_message, each.status_code] for each in failed)]
    ).decode()


def from_column(column: str | None) -> tuple[tuple[FailedAttempt, ...], int]:
    """From the column `attempts`: the failed ones, and how many did not fit."""
    if column is None:
        return (), 0
    skipped, *failed = orjson.loads(column)
    return tuple(FailedAttempt(ErrorKind(kind), message, code) for kind, message, code in failed), skipped


def to_message(failed: FailedAttempt) -> pb.FailedAttempt:
    """As the contract says it."""
    return pb.FailedAttempt(
        error_kind=failed.error_kind.value,  # type: ignore[arg-type] # the numbers are the contract's
        error_message=failed.error_message,
        status_code=failed.status_code,
    )
