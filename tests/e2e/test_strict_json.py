"""JSON bodies and queries through Envoy: each part is accepted or rejected, never dropped."""

import asyncio
import gzip
import json
import socket
from http.client import HTTPResponse
from typing import Any
from uuid import uuid4

import httpx
import pytest
from google.rpc import code_pb2, error_details_pb2
from sentinel.monitor.v1 import monitor_service_pb2, service_pb2
from sentinel.monitor.v1.monitor_service_pb2_grpc import MonitorServiceStub

from services.platform.rest.body_check_server import HEADER
from tests.e2e.door import from_rest
from tests.support.http2 import DATA, END_HEADERS, END_STREAM, HEADERS, HELLO, PREFACE, block, frame, frames
from tests.support.patience import PATIENCE_S
from tests.support.stack import Team, bearer, fields, grpc_channel, reason

HTTP = {"url": "http://127.0.0.1:1/"}


def refused(answer: httpx.Response) -> list[str]:
    """The fields that an error of Envoy names; the error conforms to the contract."""
    typed = from_rest(answer)
    assert (answer.status_code, typed.status.code, typed.reason) == (
        400,
        code_pb2.INVALID_ARGUMENT,
        "REQUEST_MALFORMED",
    )
    assert answer.headers["content-type"] == "application/json"
    assert typed.detail(error_details_pb2.RequestInfo).request_id == answer.headers["x-request-id"]
    return fields(answer)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        (
            "POST",
            "/services/{id}/checks",
            {"name": "a", "http": {**HTTP, "bodyContain": "a"}},
            "check.http.bodyContain",
        ),
        ("POST", "/v1/services/{id}/checks", {"name": "a", "http": HTTP, "timeOut": "3s"}, "check.timeOut"),
        ("POST", "/services/{id}/checks/", {"name": "a", "http": HTTP, "assertions": []}, "check.assertions"),
        ("PATCH", "/services/{id}", {"name": "a", "updateMask": "name"}, "service.updateMask"),
        ("PATCH", "/services/{id}/checks/{id}", {"intervall": "30s"}, "check.intervall"),
        ("PATCH", "/maintenance-windows/{id}", {"rule": "FREQ=DAILY"}, "window.rule"),
        ("PATCH", "/users/{id}", {"roles": "ROLE_ADMIN"}, "user.roles"),
        ("PATCH", "/auth/me", {"displayname": "a"}, "user.displayname"),
        ("POST", "/checks:try", {"check": {"http": {**HTTP, "bodyContain": "a"}}}, "check.http.bodyContain"),
        ("POST", "/checks:evaluate", {"given": {"bodyy": ""}}, "given.bodyy"),
        ("POST", "/services/{id}/checks/{id}:run", {"now": True}, "now"),
        ("POST", "/auth/login", {"tenant": "a"}, "tenant"),
        ("POST", "/users:invite", {"mail": "a"}, "mail"),
        ("POST", "/incidents/{id}:note", {"noted": "a"}, "noted"),
        ("POST", "/%73ervices", {"nam": "a"}, "nam"),
    ],
)
def test_an_unknown_field_is_refused_by_every_service(
    lasting_team: Team, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    answer = lasting_team.client.request(method, path.format(id=uuid4()), json=body)

    assert refused(answer) == [field]


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "a",}',
        "{'name': 'a'}",
        '{name: "a"}',
        '{"name": NaN}',
        '{"name": "a", "name": "b"}',
        '{"name": "a", "n\\u0061me": "b"}',
        '{"name": "\\ud800"}',
        '{"name": "a"} {}',
        "[" * 1_000_000,
        '{"labels": ' * 5_000,
        "name=a",
        " ",
    ],
    ids=lambda body: body[:20],
)
@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"content-type": "application/grpcx"}])
def test_what_is_no_json_or_names_a_field_twice_is_refused(
    lasting_team: Team, body: str, headers: dict[str, str]
) -> None:
    answer = lasting_team.client.post("/services", content=body, headers=headers)

    assert answer.status_code == 400
    assert reason(answer) in {"REQUEST_MALFORMED", "REQUEST_TOO_LARGE"}


def test_both_spellings_of_a_field_are_one_field(lasting_team: Team) -> None:
    body = {"name": "a", "tcp": {"host": "a.test", "port": 1}, "failureThreshold": 1, "failure_threshold": 2}
    answer = lasting_team.client.post(f"/services/{uuid4()}/checks", json=body)

    assert refused(answer) == ["check.failure_threshold"]


def test_the_way_a_body_is_sent_makes_no_difference(lasting_team: Team) -> None:
    bad, path = b'{"nam": "a"}', "/services"
    chunks = lasting_team.client.post(path, content=(bad[at : at + 1] for at in range(len(bad))))
    compressed = lasting_team.client.post(path, content=gzip.compress(bad), headers={"content-encoding": "gzip"})
    overridden = lasting_team.client.post(path, content=bad, headers={"x-http-method-override": "GET"})
    announced = "transfer-encoding: chunked\r\nexpect: 100-continue"
    waiting = raw(lasting_team, f"POST {path}", announced, b"%x\r\n%s\r\n0\r\n\r\n" % (len(bad), bad))

    assert [refused(answer) for answer in (chunks, overridden, waiting)] == [["nam"]] * 3
    assert refused(compressed) == []
    assert "content-encoding" in compressed.text


def raw(team: Team, line: str, headers: str, body: bytes) -> httpx.Response:
    """Send a request over a plain socket."""
    caller = f"authorization: {team.client.headers['authorization']}"
    head = f"{line} HTTP/1.1\r\nhost: door\r\nconnection: close\r\n{caller}\r\n"
    with socket.create_connection(("127.0.0.1", team.stack.port), 20) as sending:
        sending.sendall(f"{head}{headers}\r\n\r\n".encode() + body)
        received = HTTPResponse(sending)
        received.begin()
        return httpx.Response(received.status, headers=received.getheaders(), content=received.read())


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("body", [b'{"x": 1}', b'{"service_id": "x"}', b"[1]"])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_where_none_belongs_is_refused(lasting_team: Team, method: str, body: bytes, *, chunked: bool) -> None:
    content = iter([body]) if chunked else body
    answer = lasting_team.client.request(method, f"/services/{uuid4()}", content=content)

    assert refused(answer) == []
    assert "GET, HEAD and DELETE take no body" in answer.text


def test_a_body_over_http_2_without_a_length_is_refused_where_none_belongs(lasting_team: Team) -> None:
    asked = [
        (":method", "GET"),
        (":path", "/services"),
        (":scheme", "http"),
        (":authority", "door"),
        ("authorization", lasting_team.client.headers["authorization"]),
    ]
    with socket.create_connection(("127.0.0.1", lasting_team.stack.port), 20) as sending:
        sending.sendall(PREFACE + HELLO + frame(HEADERS, block(*asked), flags=END_HEADERS))
        sending.sendall(frame(DATA, b'{"pageSize": 1}', flags=END_STREAM))
        received = b""
        while not (data := [payload for kind, payload in frames(received) if kind == DATA]):
            received += sending.recv(65_536)

    assert "GET, HEAD and DELETE take no body" in data[0].decode()


@pytest.mark.parametrize("body", ["", "{}"])
def test_a_body_that_can_hold_no_field_does_a_delete_no_harm(team: Team, body: str) -> None:
    assert team.client.request("DELETE", f"/services/{team.service()}", content=body).status_code == 200


def test_clients_cannot_say_what_their_body_names(team: Team) -> None:
    service = team.service("Shop")
    told = {HEADER: "/sentinel.monitor.v1.MonitorService/UpdateService name"}
    answer = team.client.patch(f"/services/{service}", json={"description": "new"}, headers=told)
    with grpc_channel(team.stack) as channel:
        request = monitor_service_pb2.UpdateServiceRequest(service=service_pb2.Service(id=service, url="http://a.test"))
        metadata = (*team.metadata, (HEADER, f"{told[HEADER]},url"), ("x-envoy-original-path", f"/services/{service}"))
        native = MonitorServiceStub(channel).UpdateService(request, metadata=metadata, timeout=PATIENCE_S)

    assert (answer.json()["service"]["name"], answer.json()["service"]["description"]) == ("Shop", "new")
    assert (native.service.name, native.service.url) == ("Shop", "http://a.test")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "/services/{id}?serviceId={other}", None, "serviceId"),
        ("GET", "/services/{id}/status?service_id={other}", None, "service_id"),
        ("DELETE", "/services/{id}?serviceId={other}", None, "serviceId"),
        ("PATCH", "/services/{id}?service.id={other}", {"name": "a"}, "service.id"),
        ("PATCH", "/services/{id}?service.description=a", {"name": "a"}, "service.description"),
        ("POST", "/services/{id}/checks?serviceId={other}", {"name": "a", "http": HTTP}, "serviceId"),
        ("POST", "/services?name=a", None, "name"),
        ("POST", "/auth/login?password=a", {"tenantSlug": "a"}, "password"),
        ("GET", "/services?pagesize=1", None, "pagesize"),
        ("GET", "/services?pageSize=1&pageSize=2", None, "pageSize"),
        ("GET", "/services?text", None, "text"),
        ("GET", "/results:stream?check=a", None, "check"),
        ("GET", "/audit?actions=a", None, "actions"),
        ("PATCH", "/services/{id}", {"id": "{other}"}, "service.id"),
    ],
)
def test_a_query_overrides_neither_path_nor_body_and_names_what_the_route_takes(
    team: Team, method: str, path: str, body: Any, field: str
) -> None:
    ids = {"id": team.service(), "other": team.service()}
    if body and "{other}" in body.values():
        body = dict.fromkeys(body, ids["other"])
    answer = team.client.request(method, path.format(**ids), json=body)

    assert refused(answer) == [field]
    assert {each["id"] for each in team.client.get("/services").json()["services"]} == set(ids.values())


def test_a_plus_in_a_query_is_a_space_in_a_text_and_a_sign_in_a_time(team: Team) -> None:
    team.service("Shop front")
    team.service("Shop+front")

    def named(query: str) -> list[str]:
        return [each["name"] for each in team.client.get(f"/services?text={query}").json()["services"]]

    assert [named("Shop+front"), named("Shop%20front"), named("Shop%2Bfront")] == [
        ["Shop front"],
        ["Shop front"],
        ["Shop+front"],
    ]
    assert team.client.get("/audit?startTime=2026-01-01T00:00:00+01:00").status_code == 200


def test_bodies_at_the_limit_are_inspected_whatever_they_hold(lasting_team: Team) -> None:
    async def together() -> list[httpx.Response]:
        headers = bearer(lasting_team.tokens["accessToken"])
        address = f"http://{lasting_team.stack.address}"
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60, trust_env=False) as client:
            pieces = ["[", '{"a":', '"\\u0061",', "{},", "[],", "0,", '"a":1,', "\\"]
            bodies = [('{"name": "' if piece == "\\" else "[") + piece * (1_040_000 // len(piece)) for piece in pieces]
            return await asyncio.gather(*(client.post("/services", content=body) for body in bodies))

    for answer in asyncio.run(together()):
        assert answer.status_code == 400
        assert reason(answer) in {"REQUEST_MALFORMED", "REQUEST_TOO_LARGE"}
    assert json.loads(lasting_team.client.get("/services?pageSize=1").text)["totalSize"] == 0
