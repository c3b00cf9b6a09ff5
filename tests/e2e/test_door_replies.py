"""Errors that Envoy returns by itself are the contract's, in each protocol, and are in the log."""

import socket
from http.client import HTTPResponse
from typing import Any

import grpc
import httpx
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from sentinel.auth.v1 import auth_service_pb2
from sentinel.auth.v1.auth_service_pb2_grpc import AuthServiceStub

from cli.door.replies import FRAME_BYTES
from tests.e2e.door import (
    JWKS,
    LOGIN,
    PROTOCOLS,
    Answer,
    Method,
    call,
    call_raw,
    client_at,
    forwarded,
    from_rest,
    handled,
    replaced_auth,
    stopped_auth,
    value_of,
)
from tests.support.patience import PATIENCE_S
from tests.support.stack import Stack, Team, grpc_channel, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("door")]

KIB = 1024
# In one header, in many, in cookies: each over a limit of ours, and nothing that Envoy could not take.
TOO_LARGE = {
    "one header": ({"x-large": "a" * 17 * KIB}, "bytes", 16 * KIB),
    "many headers": ({f"x-{number}": "a" for number in range(101)}, "headers", 100),
    "a cookie": ({"cookie": "a=" + "b" * 17 * KIB}, "bytes", 16 * KIB),
    "cookies": ({"cookie": "; ".join(f"a{number}={'b' * KIB}" for number in range(17))}, "bytes", 16 * KIB),
}


def assert_typed(answer: Answer, protocol: str, http_status: int, code: code_pb2.Code, reason: str) -> None:
    """Assert that an answer is an error as the contract has it."""
    assert answer.http_status == (http_status if protocol == "rest" else 200)
    assert (answer.status.code, answer.reason) == (code, reason)
    assert answer.status.message
    assert answer.detail(error_details_pb2.RequestInfo).request_id == answer.headers["x-request-id"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("headers", "unit", "limit"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_headers_over_the_limit_are_refused_with_their_size_and_not_forwarded(
    quiet_stack: Stack, protocol: str, headers: dict[str, str], unit: str, limit: int
) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = forwarded(quiet_stack)
        answer = call(client, protocol, JWKS, headers)

        assert_typed(answer, protocol, 431, code_pb2.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")
        metadata = answer.detail(error_details_pb2.ErrorInfo).metadata
        assert (metadata["unit"], metadata["limit"]) == (unit, str(limit))
        sent = len(headers) if unit == "headers" else sum(len(name) + len(value) for name, value in headers.items())
        assert sent < int(metadata["actual"]) < sent + 4 * limit // 10  # a client and Envoy add some
        assert f" {metadata['actual']} " in answer.status.message
        assert forwarded(quiet_stack) == before


def test_headers_over_the_limit_are_a_status_for_a_grpc_client(quiet_stack: Stack) -> None:
    with grpc_channel(quiet_stack) as channel, pytest.raises(grpc.RpcError) as refused:
        AuthServiceStub(channel).GetJwks(
            auth_service_pb2.GetJwksRequest(), metadata=(("x-large", "a" * 17 * KIB),), timeout=PATIENCE_S
        )
    metadata: Any = refused.value.trailing_metadata()  # typed as a tuple of its own kind
    status = status_pb2.Status.FromString(dict(metadata)["grpc-status-details-bin"])
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert status.message == refused.value.details()


def test_headers_up_to_the_limit_reach_the_services(quiet_stack: Stack) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        for headers in ({"x-large": "a" * 15 * KIB}, {f"x-{number}": "a" for number in range(80)}):
            assert [call(client, "rest", JWKS, headers).http_status for _ in range(20)] == [200] * 20


@pytest.mark.parametrize(("protocol", "actual"), [("grpc", True), ("grpc-web", False)])
def test_a_message_over_the_limit_is_refused_and_not_forwarded(
    quiet_stack: Stack, protocol: str, *, actual: bool
) -> None:
    message = auth_service_pb2.LoginRequest(password="x" * 1100 * KIB).SerializeToString()
    figures = {"limit": str(1024 * KIB), "unit": "bytes"}
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = forwarded(quiet_stack)
        answer = call(client, protocol, LOGIN, message=message)

        assert_typed(answer, protocol, 413, code_pb2.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")
        size = {"actual": str(FRAME_BYTES + len(message))} if actual else {}  # gRPC-Web's filter drops content-length
        assert answer.detail(error_details_pb2.ErrorInfo).metadata == figures | size
        assert forwarded(quiet_stack) == before


# A negative number takes eleven bytes in the message, and three in JSON.
_LONGER_AS_A_MESSAGE = b'{"check": {"http": {"expectedStatus": [' + b",".join([b"-1"] * 110_000) + b"]}}}"


@pytest.mark.parametrize(
    ("content", "actual"),
    [
        (b"{" + b" " * 1100 * KIB, {"actual": str(1 + 1100 * KIB)}),
        ([b"{", b" " * 1100 * KIB], {}),
    ],
    ids=["of a known size", "in chunks"],
)
def test_a_body_over_the_limit_is_refused_and_not_forwarded(
    quiet_stack: Stack, content: bytes | list[bytes], actual: dict[str, str]
) -> None:
    route = "/checks:try"
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = forwarded(quiet_stack)
        answer = from_rest(client.post(route, content=content))

        assert_typed(answer, "rest", 413, code_pb2.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")
        figures = {"limit": str(1024 * KIB), "unit": "bytes"}
        assert answer.detail(error_details_pb2.ErrorInfo).metadata == figures | actual
        assert forwarded(quiet_stack) == before


def test_a_body_that_would_be_longer_as_a_message_has_too_many_fields_and_calls_no_method(quiet_stack: Stack) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = handled(quiet_stack, "TryCheck")
        answer = from_rest(client.post("/checks:try", content=_LONGER_AS_A_MESSAGE))

        assert_typed(answer, "rest", 400, code_pb2.INVALID_ARGUMENT, "REQUEST_TOO_LARGE")
        assert handled(quiet_stack, "TryCheck") == before


@pytest.mark.parametrize("protocol", ["grpc", "grpc-web"])
@pytest.mark.parametrize(
    "body",
    [b"", b"\0", b"\0\0\0\0", b"\0\0\0\0\x05abcd", b"\0\0\x01\0\0ab", b"\x01\0\0\0\x02ab", b"\x02\0\0\0\0"],
    ids=["no body", "a byte", "no frame", "a byte short", "far too short", "compressed by nothing", "no flag of gRPC"],
)
def test_a_call_without_a_whole_message_is_refused_and_not_forwarded(
    quiet_stack: Stack, protocol: str, body: bytes
) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = forwarded(quiet_stack)
        answer = call_raw(client, protocol, JWKS.path, body)

        assert_typed(answer, protocol, 400, code_pb2.INVALID_ARGUMENT, "REQUEST_MALFORMED")
        assert "complete message" in answer.status.message
        assert forwarded(quiet_stack) == before


@pytest.mark.parametrize("path", ["/sentinel.probe.v1.ProbeService/StreamResults", "/grpc.health.v1.Health/Check"])
def test_a_stream_and_a_health_check_without_a_message_are_refused_alike(quiet_stack: Stack, path: str) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        answer = call_raw(client, "grpc", path, b"")

    assert_typed(answer, "grpc", 400, code_pb2.INVALID_ARGUMENT, "REQUEST_MALFORMED")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/services/%ff", "UTF-8"),
        ("/services/%C3", "UTF-8"),
        ("/services/%C3%28", "UTF-8"),
        ("/services/%ED%A0%80", "UTF-8"),
        ("/services/%F4%90%80%80", "UTF-8"),
        ("/services/%zz", "UTF-8"),
        ("/services/%", "UTF-8"),
        ("/services?text=%ff", "UTF-8"),
        ("/services?text=a&%ff=b", "UTF-8"),
        ("/services/a%2Fb", "%2F"),
        ("/services/a%2fb", "%2F"),
        ("/services/a%5Cb", "%5C"),
        ("/services/a%00b", "%00"),
    ],
)
def test_a_path_or_a_query_that_is_not_utf_8_is_refused_and_not_forwarded(
    quiet_stack: Stack, path: str, word: str
) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = forwarded(quiet_stack)
        answer = call(client, "rest", Method("", "GET", path))

        assert_typed(answer, "rest", 400, code_pb2.INVALID_ARGUMENT, "REQUEST_MALFORMED")
        assert word in answer.status.message
        assert forwarded(quiet_stack) == before


@pytest.mark.parametrize(
    ("target", "word"),
    [
        (b"/services/\xff", "valid HTTP"),
        (b"/services/\xc3\xbc", "valid HTTP"),
        (b"/services/a\tb", "valid HTTP"),
        (b"services", "valid HTTP"),
        (b"*", "valid HTTP"),
        (b"/services/#a", "fragment"),
        (b"/services/%C0%80", "UTF-8"),
        (b"/services/%F0%80%80%80", "UTF-8"),
        (b"http://door/services/%00", "%00"),
    ],
)
def test_a_target_that_no_http_client_sends_is_refused_and_not_forwarded(
    quiet_stack: Stack, target: bytes, word: str
) -> None:
    before = forwarded(quiet_stack)
    with socket.create_connection(("127.0.0.1", quiet_stack.port), 20) as sending:
        sending.sendall(b"GET " + target + b" HTTP/1.1\r\nhost: door\r\nconnection: close\r\n\r\n")
        received = HTTPResponse(sending)
        received.begin()
        answer = from_rest(httpx.Response(received.status, headers=received.getheaders(), content=received.read()))

    assert_typed(answer, "rest", 400, code_pb2.INVALID_ARGUMENT, "REQUEST_MALFORMED")
    assert word in answer.status.message
    assert forwarded(quiet_stack) == before


@pytest.mark.parametrize("text", ["%C3%BC", "%E2%82%AC", "%F0%9F%98%80", "a%2Fb", "%25", "a+b", "%ED%9F%BF"])
def test_utf_8_in_a_query_reaches_the_services(quiet_team: Team, text: str) -> None:
    assert quiet_team.client.get(f"/services?text={text}").status_code == 200


def test_a_service_that_is_away_is_a_typed_error(quiet_stack: Stack) -> None:
    with stopped_auth(quiet_stack), client_at(quiet_stack, "127.0.0.1") as client:
        until(lambda: client.get("/healthz").status_code == 503)
        answers = {protocol: call(client, protocol, JWKS) for protocol in PROTOCOLS}

    for protocol, answer in answers.items():
        assert_typed(answer, protocol, 503, code_pb2.UNAVAILABLE, "TEMPORARILY_UNAVAILABLE")


def test_a_service_that_breaks_off_is_a_typed_error(quiet_stack: Stack) -> None:
    with replaced_auth(quiet_stack, b"HTTP/1.1 200 OK\r\n\r\n"), client_at(quiet_stack, "127.0.0.1") as client:
        answers = {protocol: call(client, protocol, JWKS) for protocol in PROTOCOLS}
        unchecked = call(client, "rest", LOGIN)  # nobody is there to inspect its body

    for protocol, answer in answers.items():
        assert_typed(answer, protocol, 502, code_pb2.UNAVAILABLE, "TEMPORARILY_UNAVAILABLE")
    assert_typed(unchecked, "rest", 503, code_pb2.UNAVAILABLE, "TEMPORARILY_UNAVAILABLE")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_envoys_own_replies_are_logged_with_their_request_id_and_without_path_and_headers(
    quiet_stack: Stack, protocol: str
) -> None:
    offset = len(quiet_stack.said())
    secret = "sth_0123456789abcdef"
    method = Method(f"{JWKS.path}?token={secret}", "GET", f"/heartbeat/{secret}/%ff?token={secret}")
    with client_at(quiet_stack, "127.0.0.1") as client:
        answer = call(client, protocol, method, {"grpc-timeout": f"1S{secret}", "authorization": f"Bearer {secret}"})
    until(lambda: answer.headers["x-request-id"] in quiet_stack.said(offset))

    (line,) = [each for each in quiet_stack.said(offset).splitlines() if answer.headers["x-request-id"] in each]
    assert line.startswith("envoy ")
    assert f"status={answer.http_status}" in line
    assert secret not in quiet_stack.said(offset)


def test_a_request_that_envoy_cannot_read_has_an_id_in_reply_and_log(quiet_stack: Stack) -> None:
    offset = len(quiet_stack.said())
    with client_at(quiet_stack, "127.0.0.1") as client:
        answer = call(client, "rest", JWKS, {"x-large": "a" * 65 * KIB})
    until(lambda: answer.headers["x-request-id"] in quiet_stack.said(offset))

    assert_typed(answer, "rest", 431, code_pb2.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")


def test_neither_answers_of_services_nor_clients_that_go_away_are_logged_by_envoy(quiet_stack: Stack) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = call(client, "rest", Method("", "GET", "/nothing"))  # what Envoy wrote until now is flushed with it
        until(lambda: before.headers["x-request-id"] in quiet_stack.said())
        offset = len(quiet_stack.said())
        good = call(client, "rest", JWKS)
        bad = call(client, "rest", Method("", "GET", "/services"))
        with socket.create_connection(("127.0.0.1", quiet_stack.port)) as leaving:
            leaving.sendall(b"POST /auth/login HTTP/1.1\r\nhost: door\r\ncontent-length: 9\r\n\r\n{")
            until(lambda: value_of(quiet_stack, "http.door.downstream_rq_active") == 1)
        until(lambda: value_of(quiet_stack, "http.door.downstream_rq_active") == 0)
        last = call(client, "rest", Method("", "GET", "/nothing"))
    until(lambda: last.headers["x-request-id"] in quiet_stack.said(offset))

    logged = [line for line in quiet_stack.said(offset).splitlines() if line.startswith("envoy ") and "status=" in line]
    assert [line for line in logged if last.headers["x-request-id"] in line]
    # Lines of requests of tests before may come late, so each is looked for by what it would show.
    ids = (good.headers["x-request-id"], bad.headers["x-request-id"])
    assert not [line for line in logged if "status=0" in line or any(each in line for each in ids)]
    assert (good.http_status, bad.http_status) == (200, 401)
