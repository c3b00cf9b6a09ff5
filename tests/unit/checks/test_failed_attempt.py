"""Failed attempts survive their column, and their numbers are the contract's."""

import pytest
from sentinel.monitor.v1 import result_pb2 as pb

from services.checks.failed_attempt import FailedAttempt, from_column, to_column, to_message
from services.checks.outcome import ErrorKind

FAILED = (FailedAttempt(ErrorKind.STATUS, 'status 503, "no"', 503), FailedAttempt(ErrorKind.DNS, ""))


@pytest.mark.parametrize(("failed", "skipped"), [((), 0), (FAILED, 0), ((), 3), (FAILED[:1], 2)])
def test_they_survive_their_column(failed: tuple[FailedAttempt, ...], skipped: int) -> None:
    assert from_column(to_column(failed, skipped)) == (failed, skipped)


def test_a_result_without_any_costs_the_column_nothing() -> None:
    assert to_column((), 0) is None


def test_they_are_told_as_the_contract_says() -> None:
    assert [to_message(each) for each in FAILED] == [
        pb.FailedAttempt(error_kind=pb.ERROR_KIND_STATUS, error_message='status 503, "no"', status_code=503),
        pb.FailedAttempt(error_kind=pb.ERROR_KIND_DNS),
    ]
