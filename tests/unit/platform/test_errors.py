"""What an error knows in figures is in its metadata, so that no program has to read its sentence."""

import pytest
from google.rpc import error_details_pb2

from services.checks.specs.assertion_validation import validate_assertions
from services.checks.specs.assertions import LARGEST_PROGRAMS, BodyMatches, total_program_size
from services.monitor.quotas import Quotas
from services.platform.errors import QuotaExceeded, RequestTooLarge, SentinelError
from services.platform.rpc.interceptors.status import to_status


def info_of(error: SentinelError) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    assert to_status(error, "id").details[0].Unpack(info)
    return info


def test_a_quota_says_how_many_there_may_be_and_are() -> None:
    with pytest.raises(QuotaExceeded) as refused:
        Quotas(services=3, checks=9).refuse_more_services(5)

    info = info_of(refused.value)
    assert (info.reason, dict(info.metadata)) == (
        "QUOTA_EXCEEDED",
        {"limit": "3", "actual": "5", "unit": "services"},
    )
    assert refused.value.message == (
        "Quota exceeded: this tenant is limited to 3 services and has 5. "
        "Delete some or ask the operator to raise the quota."
    )


def test_a_request_that_is_too_large_says_by_what() -> None:
    info = info_of(RequestTooLarge("bytes", 10, "11"))

    assert (info.reason, dict(info.metadata)) == (
        "REQUEST_TOO_LARGE",
        {"limit": "10", "actual": "11", "unit": "bytes"},
    )


def test_expressions_that_are_too_large_say_by_how_much() -> None:
    assertions = [BodyMatches("a{1,100}")] * 3
    with pytest.raises(SentinelError) as refused:
        validate_assertions(assertions, "check.http.assertions")

    assert dict(info_of(refused.value).metadata) == {
        "field": "check.http.assertions",
        "limit": str(LARGEST_PROGRAMS),
        "actual": str(total_program_size(assertions)),
    }
