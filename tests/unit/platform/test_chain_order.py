"""The effects of the order of interceptors on a client, the log and the metrics of a real gRPC server."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, cast
from uuid import UUID

import grpc
import pytest
import structlog
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from sentinel.auth.v1 import auth_service_pb2
from sentinel.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from sentinel.options.v1 import access_pb2
from sentinel.probe.v1 import probe_service_pb2
from sentinel.probe.v1.probe_service_pb2_grpc import ProbeServiceStub

from services.platform.ids import new_id
from services.platform.metrics.process_metrics import Calls
from services.platform.postgres.common_store import CommonStore
from services.platform.rpc.interceptors.chain import interceptors
from services.platform.rpc.request_limits import MOST_BYTES
from services.platform.rpc.server import Server
from services.platform.security.api_keys import ApiKeyVerifier, IssuedKey, KeyFormat, hash_of
from services.platform.security.credentials import Credentials
from services.platform.security.origin import Origin, current_origin
from services.platform.security.principal import Principal, Role, current_principal
from services.platform.security.revocations import Revocation, Revocations
from services.platform.security.tokens import TokenVerifier
from tests.support.patience import PATIENCE_S
from tests.support.scraped import collected, labels_of

SERVICES = (
    auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
    probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"],
)
REQUEST_ID = "request-of-the-client"
CLIENT = "192.0.2.7"
BROKEN = "broken@acme.test"
_KEYS = KeyFormat(b"an installation's secret")
Send: TypeAlias = Callable[["Door", str, str], Any]


class Issued(CommonStore):
    """The keys that were issued, by role; nothing else is published, revoked or written down."""

    def __init__(self) -> None:
        self.tenant_id = new_id()
        self.bearers = {role: _KEYS.new() for role in Role}
        self._keys = {
            hash_of(key): IssuedKey(
                tenant_id=self.tenant_id, id=new_id(), role=role, expire_us=None, suspend_reason=None
            )
            for role, key in self.bearers.items()
        }

    async def find_api_key(self, key_hash: bytes) -> IssuedKey | None:
        return self._keys.get(key_hash)

    async def public_keys(self) -> dict[str, bytes]:
        return {}

    async def revoked_since(self, moment: datetime) -> Sequence[Revocation]:  # noqa: ARG002 — the store's
        return ()

    async def record_key_use(self, credentials: Sequence[tuple[UUID, UUID]]) -> None:  # noqa: ARG002 — the store's
        return None


class Ended(Calls):
    """Figures of calls, and an event for each that ended."""

    def __init__(self) -> None:
        super().__init__()
        self.one = asyncio.Event()

    def ended(self, method: str, code: str, took_us: int, *, streams: bool) -> None:
        super().ended(method, code, took_us, streams=streams)
        self.one.set()


class Behind:
    """The servicer after the chain: records the callers and their addresses."""

    def __init__(self) -> None:
        self.reached: list[tuple[Principal, Origin]] = []

    async def invite_user(self, request: auth_service_pb2.InviteUserRequest, _context: object) -> Message:
        self._reach(broken=request.email == BROKEN)
        return auth_service_pb2.InviteUserResponse()

    async def run_check(self, request: probe_service_pb2.RunCheckRequest, _context: object) -> AsyncIterator[Message]:
        self._reach(broken=request.check_id == str(UUID(int=0)))
        yield probe_service_pb2.RunCheckResponse()

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        unary: Any = grpc.unary_unary_rpc_method_handler(
            self.invite_user, auth_service_pb2.InviteUserRequest.FromString, _serialized
        )
        stream: Any = grpc.unary_stream_rpc_method_handler(
            self.run_check, probe_service_pb2.RunCheckRequest.FromString, _serialized
        )
        auth, probe = (service.full_name for service in SERVICES)
        return (
            grpc.method_handlers_generic_handler(auth, {"InviteUser": unary}),
            grpc.method_handlers_generic_handler(probe, {"RunCheck": stream}),
        )

    def _reach(self, *, broken: bool) -> None:
        self.reached.append((current_principal(), current_origin()))
        if broken:
            raise ValueError("password=secret")


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


@dataclass
class Door:
    """A server and a client of it.

    Attributes:
        issued: the bearers that it knows.
        behind: what the chain lets through.
        calls: its figures.
        channel: the client's.
    """

    issued: Issued
    behind: Behind
    calls: Ended
    channel: grpc.aio.Channel

    async def status(self, call: Any) -> tuple[grpc.StatusCode, status_pb2.Status, dict[str, Any]]:
        """How a call ended, the status in its trailers, and those."""
        try:
            if isinstance(call, grpc.aio.UnaryStreamCall):
                assert [message async for message in call]
            else:
                await call
        except grpc.aio.AioRpcError:
            pass  # the code says so
        async with asyncio.timeout(PATIENCE_S):
            await self.calls.one.wait()
        trailers = {str(key): value for key, value in await call.trailing_metadata()}
        status = status_pb2.Status.FromString(trailers.pop("grpc-status-details-bin", b""))
        return await call.code(), status, trailers


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    issued, behind, calls = Issued(), Behind(), Ended()
    credentials = Credentials(TokenVerifier(issued), ApiKeyVerifier(issued, _KEYS), Revocations(issued), issued)
    server = Server(SERVICES, interceptors(credentials, (ipaddress.ip_network("127.0.0.0/8"),), calls))
    server.grpc.add_generic_rpc_handlers(behind.handlers())
    port = server.grpc.add_insecure_port("127.0.0.1:0")
    await server.grpc.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Door(issued, behind, calls, channel)
    await server.grpc.stop(None)


@pytest.fixture
async def infrastructure() -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server's health and reflection."""
    server = Server(SERVICES, ())
    server.reflect(SERVICES)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server.grpc)
    port = server.grpc.add_insecure_port("127.0.0.1:0")
    await server.grpc.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.grpc.stop(None)


def _metadata(bearer: str) -> tuple[tuple[str, str], ...]:
    sender = (("x-request-id", REQUEST_ID), ("x-forwarded-for", f"10.0.0.1, {CLIENT}"))
    return (*sender, ("authorization", f"Bearer {bearer}")) if bearer else sender


def unary(door: Door, bearer: str, request: str) -> Any:
    email = {"valid": "b@acme.test", "invalid": "nobody", "broken": BROKEN}[request]
    message = auth_service_pb2.InviteUserRequest(email=email, role=access_pb2.ROLE_VIEWER)
    return AuthServiceStub(door.channel).InviteUser(message, metadata=_metadata(bearer), timeout=PATIENCE_S)


def stream(door: Door, bearer: str, request: str) -> Any:
    check_id = {"valid": str(new_id()), "invalid": "nobody", "broken": str(UUID(int=0))}[request]
    message = probe_service_pb2.RunCheckRequest(service_id=str(new_id()), check_id=check_id)
    return ProbeServiceStub(door.channel).RunCheck(message, metadata=_metadata(bearer), timeout=PATIENCE_S)


@pytest.mark.parametrize("send", [unary, stream])
@pytest.mark.parametrize(
    ("role", "request_is", "code", "reason", "level"),
    [
        # Who is not known learns nothing of what is valid, nor of which role it takes.
        (None, "invalid", grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING", "info"),
        (None, "valid", grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING", "info"),
        # Nor does who may not call it.
        (Role.VIEWER, "invalid", grpc.StatusCode.PERMISSION_DENIED, "ROLE_INSUFFICIENT", "info"),
        (Role.ADMIN, "invalid", grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", "info"),
        (Role.ADMIN, "broken", grpc.StatusCode.INTERNAL, "INTERNAL", "error"),
        (Role.ADMIN, "valid", grpc.StatusCode.OK, "", "debug"),
    ],
)
async def test_however_a_call_ends_it_is_typed_logged_and_counted_with_its_id_and_sender(
    door: Door,
    send: Send,
    role: Role | None,
    request_is: str,
    code: grpc.StatusCode,
    reason: str,
    level: str,
) -> None:
    bearer = door.issued.bearers[role] if role else ""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as log:
        seen, status, trailers = await door.status(send(door, bearer, request_is))

    assert seen is code
    assert trailers["x-request-id"] == REQUEST_ID
    info, of_request = error_details_pb2.ErrorInfo(), error_details_pb2.RequestInfo()
    if reason:
        assert status.details[0].Unpack(info)
        assert status.details[1].Unpack(of_request)
        assert (info.reason, of_request.request_id) == (reason, REQUEST_ID)
    (line,) = [each for each in log if each["room"] == "call"]
    assert (line["log_level"], line["code"], line["request_id"]) == (level, code.name, REQUEST_ID)
    assert line["address"] == CLIENT
    assert line["tenant_id"] == (str(door.issued.tenant_id) if role else None)
    counted = list(labels_of(collected(door.calls), "grpc_server_handled_total"))
    assert [each["grpc_code"] for each in counted] == [code.name]

    reached = [(principal.role, origin.address, origin.request_id) for principal, origin in door.behind.reached]
    assert reached == ([(role, CLIENT, REQUEST_ID)] if code in {grpc.StatusCode.OK, grpc.StatusCode.INTERNAL} else [])


def _raw(door: Door, method: str, encoded: bytes, *, streams: bool) -> Any:
    make: Any = door.channel.unary_stream if streams else door.channel.unary_unary
    return make(method)(encoded, metadata=_metadata(""), timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("method", "streams"),
    [("/sentinel.auth.v1.AuthService/InviteUser", False), ("/sentinel.probe.v1.ProbeService/RunCheck", True)],
)
@pytest.mark.parametrize(
    ("encoded", "code", "reason"),
    [
        (b"\xff\xff", grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED"),
        (b"\x0a\x01\xff", grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED"),
        (b"\0" * (MOST_BYTES + 1), grpc.StatusCode.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE"),
    ],
    ids=["no message", "no UTF-8", "too large"],
)
async def test_bytes_that_are_no_request_are_refused_typed_before_anybody_signs_in(
    door: Door,
    caplog: pytest.LogCaptureFixture,
    method: str,
    streams: bool,
    encoded: bytes,
    code: grpc.StatusCode,
    reason: str,
) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as log:
        seen, status, trailers = await door.status(_raw(door, method, encoded, streams=streams))

    info, of_request = error_details_pb2.ErrorInfo(), error_details_pb2.RequestInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(of_request)
    assert (seen, info.reason, of_request.request_id) == (code, reason, REQUEST_ID)
    assert trailers["x-request-id"] == REQUEST_ID
    assert "Request" not in status.message
    (line,) = [each for each in log if each["room"] == "call"]
    assert (line["log_level"], line["code"]) == ("info", code.name)
    assert caplog.records == []
    assert door.behind.reached == []


@pytest.mark.parametrize("encoded", [b"\xff\xff", b"\x0a\x01\xff", b"\0" * (MOST_BYTES + 1)])
async def test_health_and_reflection_refuse_such_bytes_typed_too(
    infrastructure: grpc.aio.Channel, caplog: pytest.LogCaptureFixture, encoded: bytes
) -> None:
    metadata, raw = _metadata(""), cast("Any", infrastructure)
    calls = [
        raw.unary_unary("/grpc.health.v1.Health/Check")(encoded, metadata=metadata, timeout=PATIENCE_S),
        raw.unary_stream("/grpc.health.v1.Health/Watch")(encoded, metadata=metadata, timeout=PATIENCE_S),
        raw.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")(
            iter([encoded]), metadata=metadata, timeout=PATIENCE_S
        ),
    ]
    for call in calls:
        trailers = dict(await call.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        info, of_request = error_details_pb2.ErrorInfo(), error_details_pb2.RequestInfo()
        assert status.details[0].Unpack(info)
        assert status.details[1].Unpack(of_request)
        too_large = len(encoded) > MOST_BYTES
        assert info.reason == ("REQUEST_TOO_LARGE" if too_large else "REQUEST_MALFORMED")
        assert of_request.request_id == REQUEST_ID
    assert caplog.records == []


async def test_health_and_reflection_answer_as_before(infrastructure: grpc.aio.Channel) -> None:
    health = health_pb2_grpc.HealthStub(infrastructure)
    checked = await health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
    watching = health.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
    watched = await watching.read()
    watching.cancel()
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    stub = reflection_pb2_grpc.ServerReflectionStub(infrastructure)
    (answer,) = [each async for each in stub.ServerReflectionInfo(iter([asked]), timeout=PATIENCE_S)]

    assert checked.status == watched.status == health_pb2.HealthCheckResponse.SERVING
    assert "sentinel.auth.v1.AuthService" in [each.name for each in answer.list_services_response.service]
