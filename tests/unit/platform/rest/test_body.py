"""What a request's body names, and why one is refused."""

import gzip
import json

import pytest

from services.platform.errors import InvalidArgument
from services.platform.rest.body import BodyInspector
from services.platform.rest.contract import contract_routes

BODIES = BodyInspector(contract_routes())
MONITOR = "/sentinel.monitor.v1.MonitorService"


def told(method: str, path: str, body: str | bytes, **headers: str) -> str | None:
    content = body if isinstance(body, bytes) else body.encode()
    return BODIES.inspect(method, path, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def refusal(method: str, path: str, body: str | bytes, **headers: str) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as refused:
        told(method, path, body, **headers)
    return refused.value


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/services", '{"name": "a"}', f"{MONITOR}/CreateService "),
        ("POST", "/services", "", f"{MONITOR}/CreateService "),
        ("PATCH", "/services/a", '{"name": "a", "labels": {}}', f"{MONITOR}/UpdateService name,labels"),
        ("PATCH", "/services/a?updateMask=url", '{"name": "a"}', f"{MONITOR}/UpdateService name"),
        ("PATCH", "/services/a", '{"id": "a"}', f"{MONITOR}/UpdateService id"),
        ("PATCH", "/services/a", "", f"{MONITOR}/UpdateService "),
        ("POST", "/heartbeat/a?x=y", "whatever", "/sentinel.probe.v1.ProbeService/ReportHeartbeat "),
        ("POST", "/services/a/checks/b:pause", "{}", f"{MONITOR}/PauseCheck "),
    ],
)
def test_a_good_request_is_told_by_its_rpc_and_its_fields(method: str, path: str, body: str, expected: str) -> None:
    assert told(method, path, body) == expected


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain", "application/x-www-form-urlencoded", "a/grpcx"])
def test_the_body_is_json_whatever_its_content_type(kind: str) -> None:
    assert told("POST", "/services", '{"name": "a"}', content_type=kind)
    assert "not valid JSON" in refusal("POST", "/services", "name=a", content_type=kind).message


@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto"])
def test_a_call_by_grpc_passes(kind: str) -> None:
    assert told("POST", "/services", b"\0\0\0\0\0", content_type=kind) is None


@pytest.mark.parametrize(
    "kind", ["application/grpcx", "application/grpc;x", "application/grpc-web", "Application/grpc"]
)
def test_what_only_looks_like_grpc_does_not_pass(kind: str) -> None:
    assert "not valid JSON" in refusal("POST", "/services", "x", content_type=kind).message


def test_an_unknown_path_is_left_to_the_transcoder() -> None:
    assert told("POST", "/nothing", "no JSON") is None


def test_a_compressed_body_is_refused() -> None:
    body = gzip.compress(json.dumps({"name": "a"}).encode())

    assert "content-encoding" in refusal("POST", "/services", body, content_encoding="gzip").message
    assert told("POST", "/services", "{}", content_encoding="identity")


def test_a_body_and_a_path_must_not_differ() -> None:
    error = refusal("PATCH", "/services/a/checks/b", '{"id": "b", "serviceId": "c"}')

    assert [each.field for each in error.violations] == ["check.serviceId"]
    assert [each.field for each in refusal("POST", "/services/a/checks/b:pause", '{"service_id": "c"}').violations] == [
        "service_id"
    ]


def test_a_query_is_refused_with_the_body() -> None:
    assert [each.field for each in refusal("POST", "/services?nam=a", "{}").violations] == ["nam"]
