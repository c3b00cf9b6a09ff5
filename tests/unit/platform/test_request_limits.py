"""A request is refused before it is parsed if parsing it would cost too much."""

import pytest
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2
from hypothesis import given
from hypothesis import strategies as st
from sentinel.monitor.v1.assertion_pb2 import Assertion, StatusAssertion
from sentinel.probe.v1.probe_service_pb2 import AnswerHeader, EvaluateAssertionsRequest, GivenAnswer

from services.platform.errors import RequestMalformed, RequestTooLarge
from services.platform.rpc.interceptors.decoding import decoded
from services.platform.rpc.interceptors.status import to_status
from services.platform.rpc.request_limits import MOST_BYTES, MOST_FIELDS
from tests.support.worst_messages import SIZES

_EMPTY_ASSERTION = b"\x0a\x00"
_BODY_OF_70_KB = GivenAnswer(body="x" * 70_000)


def test_the_largest_request_that_breaks_no_rule_is_parsed() -> None:
    codes = StatusAssertion(codes=range(100, 200), ranges=[f"{low}-599" for low in range(100, 120)])
    headers = [AnswerHeader(name=f"x-{number}", value="v" * 5_000) for number in range(64)]
    given = GivenAnswer(headers=headers, body="b" * 524_288)
    request = EvaluateAssertionsRequest(assertions=[Assertion(status=codes)] * 20, given=given)

    assert decoded(request.SerializeToString(), EvaluateAssertionsRequest) == request


def test_a_request_of_more_than_a_mebibyte_is_too_large() -> None:
    text = "x" * (MOST_BYTES - 8)
    fits = EvaluateAssertionsRequest(given=GivenAnswer(body=text)).SerializeToString()
    larger = fits + b"\x10\x00" * MOST_FIELDS

    assert len(fits) == MOST_BYTES
    decoded(fits, EvaluateAssertionsRequest)
    with pytest.raises(RequestTooLarge) as refused:
        decoded(larger, EvaluateAssertionsRequest)
    info = error_details_pb2.ErrorInfo()
    assert to_status(refused.value, "id").details[0].Unpack(info)
    assert info.reason == "REQUEST_TOO_LARGE"
    assert dict(info.metadata) == {"limit": "1048576", "actual": str(len(larger)), "unit": "bytes"}


def test_a_large_request_of_too_many_fields_is_too_large() -> None:
    rest = EvaluateAssertionsRequest(given=_BODY_OF_70_KB).SerializeToString()
    fields_of_the_rest = 2

    decoded(_EMPTY_ASSERTION * (MOST_FIELDS - fields_of_the_rest) + rest, EvaluateAssertionsRequest)
    with pytest.raises(RequestTooLarge, match="more than 5000 fields") as refused:
        decoded(_EMPTY_ASSERTION * (MOST_FIELDS - fields_of_the_rest + 1) + rest, EvaluateAssertionsRequest)
    assert refused.value.code == code_pb2.INVALID_ARGUMENT  # as RESOURCE_EXHAUSTED it would be 429 for REST


@pytest.mark.parametrize(
    "end", [b"\x0b", b"\x0f", b"\x0a\x05a", b"\x08", b"\xff" * 11, b"\x09\x00", b"\x0d\x00", b"\x80"]
)
def test_what_is_no_message_is_malformed_whether_or_not_its_fields_are_counted(end: bytes) -> None:
    for rest in (b"", EvaluateAssertionsRequest(given=_BODY_OF_70_KB).SerializeToString()):
        with pytest.raises(RequestMalformed):
            decoded(rest + end, EvaluateAssertionsRequest)


def test_text_that_is_no_utf_8_is_malformed() -> None:
    with pytest.raises(RequestMalformed):
        decoded(b"\x12\x03\x1a\x01\xff", EvaluateAssertionsRequest)


@given(st.binary(max_size=200))
def test_counting_fields_refuses_nothing_that_protobuf_parses_but_groups(noise: bytes) -> None:
    encoded = EvaluateAssertionsRequest(given=_BODY_OF_70_KB).SerializeToString() + noise
    assert len(encoded) < SIZES[0]
    try:
        parsed = EvaluateAssertionsRequest.FromString(encoded)
    except DecodeError:
        with pytest.raises(RequestMalformed):
            decoded(encoded, EvaluateAssertionsRequest)
        return
    try:
        assert decoded(encoded, EvaluateAssertionsRequest) == parsed
    except RequestMalformed:
        assert any(byte & 7 in {3, 4} for byte in noise)
