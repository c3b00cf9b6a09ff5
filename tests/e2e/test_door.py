"""Envoy as the only entry point: gRPC, gRPC-Web, CORS, server-sent events, request ids."""

import json
import struct
from typing import Any

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2, status_pb2
from sentinel.auth.v1 import auth_service_pb2
from sentinel.monitor.v1 import monitor_service_pb2
from sentinel.monitor.v1.monitor_service_pb2_grpc import MonitorServiceStub
from sentinel.probe.v1 import probe_service_pb2
from sentinel.probe.v1.probe_service_pb2_grpc import ProbeServiceStub

from tests.e2e.target import Target
from tests.support.patience import PATIENCE_S
from tests.support.stack import Stack, Team, grpc_channel


def grpc_reason(error: grpc.RpcError) -> str:
    """The reason in a gRPC error, which has exactly one."""
    metadata: Any = error.trailing_metadata()  # typed as a tuple of its own kind
    details = dict(metadata)["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(details)
    infos = []
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            infos.append(info)
    (info,) = infos
    return str(info.reason)


def test_native_grpc_answers_and_fails_as_rest_does(stack: Stack, team: Team) -> None:
    with grpc_channel(stack) as channel:
        monitor = MonitorServiceStub(channel)
        made = monitor.CreateService(
            monitor_service_pb2.CreateServiceRequest(name="Shop"), metadata=team.metadata, timeout=PATIENCE_S
        )
        listed = monitor.ListServices(
            monitor_service_pb2.ListServicesRequest(), metadata=team.metadata, timeout=PATIENCE_S
        )
        (service,) = listed.services
        for each in (service, made.service):
            assert each.HasField("uptime")
            each.ClearField("uptime")  # in the first hour it counts up to now
        assert service == made.service
        with pytest.raises(grpc.RpcError) as refused:
            monitor.ListServices(monitor_service_pb2.ListServicesRequest(), timeout=PATIENCE_S)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert grpc_reason(refused.value) == "TOKEN_MISSING"


def test_an_unknown_method_is_a_typed_error(stack: Stack) -> None:
    with grpc_channel(stack) as channel:
        call: Any = channel.unary_unary("/sentinel.monitor.v1.MonitorService/Nothing")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"", timeout=PATIENCE_S)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert grpc_reason(refused.value) == "METHOD_UNKNOWN"


def test_results_stream_over_native_grpc(stack: Stack, team: Team, target: Target) -> None:
    check = team.check(team.service(), target.url)
    with grpc_channel(stack) as channel:
        request = probe_service_pb2.StreamResultsRequest(check_id=check)
        stream = ProbeServiceStub(channel).StreamResults(request, metadata=team.metadata, timeout=PATIENCE_S)
        first, event = next(stream), next(stream)
        stream.cancel()
    assert first.heartbeat.cursor
    assert event.result.result.check_id == check
    assert event.result.cursor


def test_grpc_web_reaches_the_same_methods(stack: Stack) -> None:
    message = auth_service_pb2.GetJwksRequest().SerializeToString()
    answer = httpx.post(
        f"http://{stack.address}/sentinel.auth.v1.AuthService/GetJwks",
        content=b"\0" + struct.pack(">I", len(message)) + message,
        headers={"content-type": "application/grpc-web+proto", "x-grpc-web": "1"},
    )
    (length,) = struct.unpack(">I", answer.content[1:5])

    assert auth_service_pb2.GetJwksResponse.FromString(answer.content[5 : 5 + length]).keys[0].crv == "Ed25519"
    assert b"grpc-status:0" in answer.content[5 + length :]


def test_a_browser_of_any_origin_may_ask_but_never_with_cookies(stack: Stack) -> None:
    with stack.rest() as client:
        answer = client.options(
            "/services",
            headers={
                "origin": "https://dashboard.test",
                "access-control-request-method": "GET",
                "access-control-request-headers": "authorization",
            },
        )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://dashboard.test"
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


def test_results_come_as_server_sent_events_to_who_asks_for_them(team: Team, target: Target) -> None:
    check = team.check(team.service(), target.url)
    url = f"/results:stream?checkId={check}"
    with team.client.stream("GET", url, headers={"accept": "text/event-stream"}) as answer:
        lines = (line for line in answer.iter_lines() if line)
        beat, line = next(lines), next(lines)
    assert json.loads(beat.removeprefix("data: "))["heartbeat"]["cursor"]
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-accel-buffering"] == "no"
    assert line.startswith("data: ")
    assert json.loads(line.removeprefix("data: "))["result"]["result"]["checkId"] == check


def test_the_published_keys_are_a_json_web_key_set(stack: Stack) -> None:
    with stack.rest() as client:
        (key,) = client.get("/.well-known/jwks.json").json()["keys"]
    assert {name: key[name] for name in ("kty", "crv", "use", "alg")} == {
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
    }  # fmt: skip


def test_each_answer_and_each_error_carries_the_request_id(team: Team) -> None:
    good = team.client.get("/services")
    bad = team.client.get("/services/not-a-uuid")
    (info,) = [each for each in bad.json()["details"] if each["@type"].endswith("RequestInfo")]

    assert good.headers["x-request-id"]
    assert info["requestId"] == bad.headers["x-request-id"]
