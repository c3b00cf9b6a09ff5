"""What the answer of a health service says: UP for SERVING alone, and a reason for all else."""

import pytest
from grpc_health.v1 import health_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import ErrorKind
from services.wire.grpc_health import refuse_unless_serving, status_code
from services.wire.http2 import Answer, Headers
from services.wire.probe_failure import ProbeFailure
from tests.support.http2 import message, prefixed

OK: Headers = [(b":status", b"200"), (b"content-type", b"application/grpc")]


def answered(headers: Headers, trailers: Headers) -> Answer:
    answer = Answer()
    answer.headers, answer.trailers = headers, trailers
    return answer


def test_serving_is_up() -> None:
    refuse_unless_serving(0, message())


@pytest.mark.parametrize("content_type", [b"application/grpc+proto", b"application/grpc;charset=utf-8"])
def test_a_content_type_may_say_more(content_type: bytes) -> None:
    headers = [OK[0], (b"content-type", content_type)]

    assert status_code(answered(headers, [(b"grpc-status", b"0")])) == 0


def test_an_answer_that_ends_with_its_headers_has_its_status_among_them() -> None:
    assert status_code(answered([*OK, (b"grpc-status", b"14")], [])) == 14


@pytest.mark.parametrize("code", [b"17", b"99999"])
def test_a_status_that_there_is_not_is_unknown(code: bytes) -> None:
    assert status_code(answered(OK, [(b"grpc-status", code)])) == 2


@pytest.mark.parametrize(
    ("headers", "trailers", "kind", "said"),
    [
        ([(b":status", b"503")], [], ErrorKind.STATUS, "HTTP status 503, expected 200"),
        ([OK[0], (b"content-type", b"text/html")], [], ErrorKind.PROTOCOL, "content type text/html"),
        ([OK[0]], [(b"grpc-status", b"0")], ErrorKind.PROTOCOL, "content type missing"),
        (OK, [], ErrorKind.PROTOCOL, "no gRPC status"),
        (OK, [(b"grpc-status", b"")], ErrorKind.PROTOCOL, "no gRPC status"),
        (OK, [(b"grpc-status", b"-1")], ErrorKind.PROTOCOL, "no gRPC status"),
        (OK, [(b"grpc-status", b"1" * 5_000)], ErrorKind.PROTOCOL, "no gRPC status"),
    ],
)
def test_what_is_no_answer_of_grpcs_says_what_it_is(
    headers: Headers, trailers: Headers, kind: ErrorKind, said: str
) -> None:
    with pytest.raises(ProbeFailure) as failed:
        status_code(answered(headers, trailers))

    assert failed.value.kind is kind
    assert said in failed.value.sentence


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (message(health_pb2.HealthCheckResponse.NOT_SERVING), ErrorKind.STATUS, "NOT_SERVING"),
        (message(health_pb2.HealthCheckResponse.UNKNOWN), ErrorKind.STATUS, "UNKNOWN"),
        (prefixed(b""), ErrorKind.STATUS, "UNKNOWN"),
        (message(77), ErrorKind.STATUS, "unknown health status"),
        (prefixed(b"\x08\x01", compressed=1), ErrorKind.PROTOCOL, "compressed"),
        (b"", ErrorKind.PROTOCOL, "not a single message"),
        (b"\0\0\0", ErrorKind.PROTOCOL, "not a single message"),
        (message() * 2, ErrorKind.PROTOCOL, "not a single message"),
        (message()[:-1], ErrorKind.PROTOCOL, "not a single message"),
        (prefixed(b"\xff\xff"), ErrorKind.PROTOCOL, "not a HealthCheckResponse"),
    ],
)
def test_all_but_serving_is_down_and_says_why(body: bytes, kind: ErrorKind, said: str) -> None:
    with pytest.raises(ProbeFailure) as failed:
        refuse_unless_serving(0, body)

    assert failed.value.kind is kind
    assert said in failed.value.sentence


@given(
    st.lists(st.tuples(st.sampled_from([b":status", b"content-type", b"grpc-status"]), st.binary(max_size=12))),
    st.binary(max_size=30),
)
def test_no_answer_makes_it_raise_anything_else(headers: Headers, body: bytes) -> None:
    for answer in (answered(headers, []), answered(OK, headers)):
        try:
            refuse_unless_serving(status_code(answer), body)
        except ProbeFailure as failure:
            assert failure.sentence.isprintable()  # noqa: PT017 — as good as an answer
