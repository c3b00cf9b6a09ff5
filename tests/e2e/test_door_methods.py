"""HTTP methods of REST routes, and server-sent events of those that stream, for every route of the contract."""

import json
import re
import socket
from typing import Any
from uuid import uuid4

import httpx
import pytest

from cli.door.contract import Rpc, path_regex, rpcs
from tests.e2e.target import Target
from tests.support.stack import Stack, Team, reason

TEMPLATES = sorted({template for rpc in rpcs() for _, template in rpc.bindings})
GET_ROUTES = [(rpc, template) for rpc in rpcs() for method, template in rpc.bindings if method == "GET"]
STREAMS = [
    (rpc, method, template) for rpc in rpcs() if rpc.streams for method, template in rpc.bindings if method != "HEAD"
]
END = b"GET /end HTTP/1.1\r\nhost: door\r\n\r\n"


def a_path(template: str, **ids: str) -> str:
    """Return a path of a template, with random ids but for those that are given."""
    return re.sub(r"\{([^}]*)\}", lambda found: ids.get(found[1], str(uuid4())), template)


def received_before_the_end(stack: Stack, request: bytes) -> bytes:
    """Return all that Envoy sends on a connection until its response to END."""
    received = b""
    with socket.create_connection(("localhost", stack.port), 20) as connection:
        connection.sendall(request + END)
        while b"ROUTE_UNKNOWN" not in received:
            part = connection.recv(65_536)
            assert part, received
            received += part
    return received


def parsed(head: bytes) -> tuple[int, httpx.Headers]:
    """Return the status and the headers of an answer."""
    first, *lines = head.decode().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return int(first.split()[1]), httpx.Headers([(name, value) for name, _, value in pairs])


@pytest.mark.parametrize(("rpc", "template"), GET_ROUTES, ids=lambda value: getattr(value, "name", value))
def test_head_returns_the_headers_of_get_and_no_body(lasting_team: Team, rpc: Rpc, template: str) -> None:
    path = a_path(template, service_id=str(uuid4()), check_id=str(uuid4()))
    lines = [f"HEAD {path} HTTP/1.1", "host: door", f"authorization: Bearer {lasting_team.tokens['accessToken']}"]
    received = received_before_the_end(lasting_team.stack, "\r\n".join([*lines, "", ""]).encode())
    head, following = received.split(b"\r\n\r\n", 1)
    status, headers = parsed(head)

    with lasting_team.client.stream("GET", path) as answer:
        assert (status, headers["content-type"]) == (answer.status_code, answer.headers["content-type"])
        if not rpc.streams:
            assert headers["content-length"] == answer.headers["content-length"]
    assert status < 500
    # The next answer begins where the headers end.
    assert following.startswith(b"HTTP/1.1 404 ")


def test_head_of_a_stream_needs_the_login_that_get_needs(stack: Stack) -> None:
    with stack.rest() as client:
        assert client.head("/services:watch").status_code == 401


def test_head_of_a_stream_says_that_it_has_events(lasting_team: Team) -> None:
    answer = lasting_team.client.head("/services:watch", headers={"accept": "text/event-stream"})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")


def test_a_signal_by_head_is_a_signal(lasting_team: Team) -> None:
    service = lasting_team.service()
    check, token = lasting_team.heartbeat(service, interval="3600s")
    answer = lasting_team.client.head(f"/heartbeat/{token}/3")
    lines = lasting_team.client.post(f"/services/{service}/checks/{check}:run", json={}).text.splitlines()

    assert answer.status_code == 200
    (message,) = [each["result"]["errorMessage"] for each in map(json.loads, lines) if "result" in each]
    assert message.endswith("with exit code 3")


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_method_that_a_route_does_not_take_is_refused_with_those_that_it_takes(
    lasting_team: Team, template: str
) -> None:
    same = path_regex(template)
    takes = {method for rpc in rpcs() for method, each in rpc.bindings if path_regex(each) == same}
    others = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - takes
    for method in sorted(others):
        answer = lasting_team.client.request(method, f"{a_path(template)}?pageSize=1")

        assert answer.status_code == 405, method
        assert answer.headers["allow"] == ", ".join(sorted(takes))
        if method != "HEAD":
            assert reason(answer) == "METHOD_UNKNOWN"


def test_each_route_leads_to_its_rpc_with_and_without_the_prefix(stack: Stack) -> None:
    assert len(rpcs()) > 50
    with stack.rest() as client:
        for rpc in rpcs():
            plain = [binding for binding in rpc.bindings if not binding[1].startswith("/v1/")]
            assert plain, rpc
            assert {*rpc.bindings} == {*plain, *((method, f"/v1{template}") for method, template in plain)}
            for method, template in plain:
                path = a_path(template)
                answers = [client.request(method, f"{prefix}{path}", content=b"") for prefix in ("", "/v1")]
                statuses = {answer.status_code for answer in answers}
                assert len(statuses) == 1, (method, template)
                if method == "HEAD" or statuses == {200}:
                    continue
                # The RPC's own refusal: those of Envoy are ROUTE_UNKNOWN and METHOD_UNKNOWN.
                refusals = {reason(answer) for answer in answers}
                assert refusals <= {"TOKEN_MISSING", "FIELD_INVALID", "HEARTBEAT_NOT_FOUND", "REFRESH_TOKEN_INVALID"}
                assert len(refusals) == 1, (method, template)


@pytest.mark.parametrize("path", ["/services", "/v1/services:watch", "/nothing"])
def test_a_preflight_is_cors_own(stack: Stack, path: str) -> None:
    asked = {"origin": "https://dashboard.test", "access-control-request-method": "PATCH"}
    with stack.rest() as client:
        answer = client.options(path, headers=asked)

    assert answer.status_code == 200
    allowed = answer.headers["access-control-allow-methods"].split(", ")
    assert set(allowed) == {method for rpc in rpcs() for method, _ in rpc.bindings}


@pytest.mark.parametrize(("rpc", "method", "template"), STREAMS, ids=lambda value: getattr(value, "name", value))
def test_each_stream_comes_as_server_sent_events_to_who_asks_for_them(
    lasting_team: Team, target: Target, rpc: Rpc, method: str, template: str
) -> None:
    service = lasting_team.service()
    ids = {"service_id": service, "check_id": lasting_team.check(service, target.url)}
    bodies: dict[str, Any] = {
        "TryCheck": {"check": {"name": "new", "http": {"url": target.url}, "interval": "5s", "timeout": "2s"}},
        "RunCheck": {},
    }
    with lasting_team.client.stream(
        method,
        a_path(template, **ids),
        headers={"accept": "text/event-stream"},
        json=bodies[rpc.name] if method == "POST" else None,
    ) as answer:
        first = next(line for line in answer.iter_lines() if line)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    assert first.startswith("data: ")
    assert json.loads(first.removeprefix("data: "))
