"""gRPC checks against grpcio's own health service, plain and under TLS: verdicts follow its responses."""

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.grpc import GrpcSpec
from services.platform.egress.policy import EgressPolicy
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.worker.probe import Prober
from tests.integration.worker.probing import run, verdict
from tests.support.health import serving_grpc
from tests.support.patience import PATIENCE_S
from tests.support.public_tls import public_tls
from tests.support.targets import Authority

UP = (Outcome.UP, None)
SERVING = health_pb2.HealthCheckResponse.SERVING


class Health(health.aio.HealthServicer):  # type: ignore[misc] # the library has no types
    """The library's own, which remembers what it was called with.

    Attributes:
        calls: of each call, its metadata and what it asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[dict[str, str], str]] = []

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 — the RPC's name
        self.calls.append((dict(context.invocation_metadata()), request.service))
        return await super().Check(request, context)


class Failing(health_pb2_grpc.HealthServicer):  # type: ignore[misc] # as above
    """Fails with a status."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 — as above
        await context.abort(self._code, "the password is hunter2")


class Stuck(health_pb2_grpc.HealthServicer):  # type: ignore[misc] # as above
    """Never answers, and notes when nobody waits any more.

    Attributes:
        left: set once the caller is gone.
    """

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 — as above
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()


async def test_a_server_that_serves_is_up_and_each_phase_is_told(prober: Prober) -> None:
    servicer = Health()
    async with serving_grpc(servicer) as port:
        seen = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}"))

    assert (verdict(seen), seen.status_code, seen.http_version) == (UP, 0, "2")
    assert (seen.resolved_ip, seen.body_bytes) == ("127.0.0.1", 7)
    assert None not in {seen.connect_us, seen.ttfb_us, seen.transfer_us}
    assert (seen.dns_us, seen.tls_us) == (None, None)
    metadata, asked = servicer.calls[0]
    assert (metadata["user-agent"], asked) == ("SentinelStack", "")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_under_tls_the_server_is_verified(prober: Prober, authority: Authority, host: str) -> None:
    credentials = grpc.ssl_server_credentials([authority.pair("localhost")])
    async with serving_grpc(Health(), credentials) as port:
        seen = await run(prober, GrpcSpec(address=f"{host}:{port}", tls=True))
        named = await run(prober, GrpcSpec(address=f"{host}:{port}", tls=True, server_name="localhost"))
        other = await run(prober, GrpcSpec(address=f"{host}:{port}", tls=True, server_name="other.test"))
        anybody = await run(
            prober, GrpcSpec(address=f"{host}:{port}", tls=True, server_name="other.test", skip_verify=True)
        )

    assert verdict(seen) == (UP if host == "localhost" else (Outcome.DOWN, ErrorKind.TLS))
    assert [verdict(each) for each in (named, other, anybody)] == [UP, (Outcome.DOWN, ErrorKind.TLS), UP]
    assert (named.tls_version, named.http_version) == ("1.3", "2")
    assert None not in {named.tls_us, named.tls_not_after_us}


async def test_authorities_of_a_check_are_trusted_instead_of_the_public_ones(
    resolver: Resolver, authority: Authority
) -> None:
    public = Prober(Network(resolver, EgressPolicy.parse("127.0.0.0/8, ::1/128"), public_tls()), worker_id="worker-1")
    async with serving_grpc(Health(), grpc.ssl_server_credentials([authority.pair("localhost")])) as port:
        seen = [
            await run(public, GrpcSpec(address=f"localhost:{port}", tls=True, ca_certificates=pem))
            for pem in (authority.pem, "")
        ]

    assert [verdict(each) for each in seen] == [UP, (Outcome.DOWN, ErrorKind.TLS)]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (health_pb2.HealthCheckResponse.NOT_SERVING, "NOT_SERVING"),
        (health_pb2.HealthCheckResponse.SERVICE_UNKNOWN, "SERVICE_UNKNOWN"),
        (health_pb2.HealthCheckResponse.UNKNOWN, "UNKNOWN"),
    ],
)
async def test_a_service_is_down_when_the_server_says_so_and_others_are_not(
    prober: Prober, status: int, said: str
) -> None:
    servicer = Health()
    await servicer.set("shop.v1.Shop", status)
    await servicer.set("shop.v1.Cart", SERVING)
    async with serving_grpc(servicer) as port:
        shop = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}", service="shop.v1.Shop"))
        cart = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}", service="shop.v1.Cart"))

    assert (verdict(shop), shop.status_code) == ((Outcome.DOWN, ErrorKind.STATUS), 0)
    assert said in shop.error_message
    assert verdict(cart) == UP
    assert [asked for _, asked in servicer.calls] == ["shop.v1.Shop", "shop.v1.Cart"]


async def test_a_service_that_the_server_does_not_know_is_down(prober: Prober) -> None:
    async with serving_grpc(Health()) as port:
        seen = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}", service="shop.v1.Shop"))

    assert (verdict(seen), seen.status_code) == ((Outcome.DOWN, ErrorKind.STATUS), 5)
    assert seen.error_message == "server does not know the service (NOT_FOUND)"


async def test_a_server_without_a_health_service_is_down_and_says_so(prober: Prober) -> None:
    async with serving_grpc() as port:
        seen = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}"))

    assert (verdict(seen), seen.status_code) == ((Outcome.DOWN, ErrorKind.STATUS), 12)
    assert seen.error_message == "server does not implement the health service (UNIMPLEMENTED)"


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN])
async def test_another_status_is_named_and_its_text_is_not_told(prober: Prober, code: grpc.StatusCode) -> None:
    async with serving_grpc(Failing(code)) as port:
        seen = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}"))

    assert (verdict(seen), seen.status_code) == ((Outcome.DOWN, ErrorKind.STATUS), code.value[0])
    assert seen.error_message == f"gRPC status {code.name}"


async def test_a_server_that_does_not_answer_is_a_timeout_and_the_call_ends(prober: Prober) -> None:
    servicer = Stuck()
    async with serving_grpc(servicer) as port:
        seen = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}"), timeout_s=0.3)
        await asyncio.wait_for(servicer.left.wait(), PATIENCE_S)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TIMEOUT)
    assert "while waiting for the response" in seen.error_message
    assert (seen.ttfb_us, seen.status_code) == (None, None)


@pytest.mark.parametrize("address", ["127.0.0.1:50051", "localhost:50051", "[::1]:50051", "169.254.169.254:80"])
async def test_an_address_inside_is_blocked(resolver: Resolver, address: str) -> None:
    seen = await run(
        Prober(Network(resolver, EgressPolicy(), public_tls()), worker_id="worker-1"), GrpcSpec(address=address)
    )

    assert (verdict(seen), seen.resolved_ip) == ((Outcome.ERROR, ErrorKind.BLOCKED_TARGET), None)
