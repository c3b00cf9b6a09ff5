"""A call that ended holds its request no longer, without a run of the garbage collector."""

import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from sentinel.auth.v1 import auth_service_pb2
from sentinel.options.v1 import error_reason_pb2 as reasons
from sentinel.probe.v1 import probe_service_pb2

from services.platform.errors import ResourceExhausted
from services.platform.rpc.interceptors.call import Call, CallNext
from services.platform.rpc.interceptors.decoding import decode_request
from services.platform.rpc.interceptors.errors import answer_errors
from services.platform.rpc.server import Server
from tests.support.patience import PATIENCE_S

SERVICES = (
    auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
    probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"],
)
CALLS = 30
PADDING = b"\xca\x3e\x80\xa0\x1f" + bytes(512_000)  # a field that nobody knows
HELD_BYTES = 2_000_000  # four requests


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server whose methods fail: refused before they are called, as too many, or by a fault."""

    async def refuse(call: Call, call_next: CallNext) -> None:
        if call.metadata.get("x-fail") == "refused":
            raise _too_many()
        await call_next(call)

    async def unary(_request: Message, context: Any) -> Message:
        _fail(dict(context.invocation_metadata())["x-fail"])
        return auth_service_pb2.InviteUserResponse()

    async def stream(_request: Message, context: Any) -> AsyncIterator[Message]:
        _fail(dict(context.invocation_metadata())["x-fail"])
        yield probe_service_pb2.RunCheckResponse()

    server = Server(SERVICES, (answer_errors, decode_request, refuse))
    method: Any = grpc.unary_unary_rpc_method_handler(unary)
    streaming: Any = grpc.unary_stream_rpc_method_handler(stream)
    for service, name, handler in zip(SERVICES, ("InviteUser", "RunCheck"), (method, streaming), strict=True):
        server.grpc.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service.full_name, {name: handler}),)
        )
    port = server.grpc.add_insecure_port("127.0.0.1:0")
    await server.grpc.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.grpc.stop(None)


def _too_many() -> ResourceExhausted:
    return ResourceExhausted(reasons.ERROR_REASON_OVERLOADED, "too many", 1.0)


def _fail(how: str) -> None:
    if how == "overloaded":
        raise _too_many()
    raise ValueError(how)


@pytest.mark.parametrize("how", ["refused", "overloaded", "fault"])
@pytest.mark.parametrize(
    "method", ["sentinel.auth.v1.AuthService/InviteUser", "sentinel.probe.v1.ProbeService/RunCheck"]
)
@pytest.mark.usefixtures("without_collector")
async def test_an_ended_call_holds_no_request(channel: grpc.aio.Channel, method: str, how: str) -> None:
    async def call() -> None:
        making: Any = channel.unary_stream if method.endswith("RunCheck") else channel.unary_unary
        ended = making(f"/{method}")(PADDING, metadata=(("x-fail", how),), timeout=PATIENCE_S)
        assert await ended.code() is not grpc.StatusCode.OK

    await call()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(CALLS):
        await call()
    after, _ = tracemalloc.get_traced_memory()

    assert after - before < HELD_BYTES
