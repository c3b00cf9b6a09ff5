"""Envoy accepts well-formed deadlines only, and enforces them itself: no service receives the header."""

import httpx
import pytest
from google.rpc import code_pb2, error_details_pb2

from tests.e2e.door import JWKS, PROTOCOLS, call, client_at, forwarded, stopped_auth
from tests.support.stack import Stack, Team

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("door")]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("deadline", ["123456789S", "5s", "5", "S", "", "1.5S", "-1S", "5 S", "5S5S"])
def test_a_malformed_deadline_is_refused_and_nothing_is_forwarded(
    quiet_stack: Stack, protocol: str, deadline: str
) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = forwarded(quiet_stack)
        answer = call(client, protocol, JWKS, {"grpc-timeout": deadline})

        assert (answer.status.code, answer.reason) == (code_pb2.INVALID_ARGUMENT, "REQUEST_MALFORMED")
        assert answer.http_status == (400 if protocol == "rest" else 200)
        assert (
            answer.status.message
            == "The header grpc-timeout must have one to eight digits and a unit: H, M, S, m, u or n."
        )
        assert answer.detail(error_details_pb2.RequestInfo).request_id == answer.headers["x-request-id"]
        assert forwarded(quiet_stack) == before


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_deadline_given_twice_is_refused_and_nothing_is_forwarded(quiet_stack: Stack, protocol: str) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = forwarded(quiet_stack)
        client.headers = httpx.Headers([("grpc-timeout", "5S"), ("grpc-timeout", "6S")])

        assert call(client, protocol, JWKS).reason == "REQUEST_MALFORMED"
        assert forwarded(quiet_stack) == before


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("deadline", ["1H", "99999999H", "1M", "20S", "00020000m", "20000000u", "99999999S"])
def test_a_well_formed_deadline_is_taken(quiet_stack: Stack, protocol: str, deadline: str) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client:
        before = forwarded(quiet_stack)
        answer = call(client, protocol, JWKS, {"grpc-timeout": deadline})

        assert (answer.http_status, answer.status.code) == (200, code_pb2.OK)
        assert forwarded(quiet_stack) == before + 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_deadline_that_passes_is_a_typed_error(quiet_stack: Stack, protocol: str) -> None:
    with client_at(quiet_stack, "127.0.0.1") as client, stopped_auth(quiet_stack):
        answer = call(client, protocol, JWKS, {"grpc-timeout": "50m"})

    assert (answer.status.code, answer.reason) == (code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    assert answer.http_status == (504 if protocol == "rest" else 200)
    assert answer.detail(error_details_pb2.RequestInfo).request_id == answer.headers["x-request-id"]


def test_a_deadline_ends_a_rest_callers_stream(team: Team) -> None:
    lines: list[str] = []
    with (
        team.client.stream("GET", "/services:watch", headers={"grpc-timeout": "3S"}) as answer,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        lines.extend(answer.iter_lines())
    assert answer.status_code == 200
    assert lines
