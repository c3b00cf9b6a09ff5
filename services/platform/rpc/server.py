"""What every process serves with: a gRPC server behind the chain, health, reflection and an orderly end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.platform import logs
from services.platform.errors import SentinelError
from services.platform.rpc.interceptors.call import Interceptor
from services.platform.rpc.interceptors.chain import Chain
from services.platform.rpc.request_limits import MOST_BYTES

_log = logs.get("server")
_HEALTH_S = 0.5
_DRAIN_S = 3.0
_LARGEST_METADATA = 64 * 1024
_OPTIONS = [
    # Envoy keeps connections alive with pings; without this grpc answers GOAWAY too_many_pings.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
    # grpc refuses what is larger without details, so it lets through what the chain can refuse with them.
    ("grpc.max_receive_message_length", 4 * MOST_BYTES),
    # Above what Envoy lets through, which answers larger headers with a typed error.
    ("grpc.max_metadata_size", _LARGEST_METADATA),
    ("grpc.absolute_max_metadata_size", _LARGEST_METADATA),
]

Ready = Callable[[], Awaitable[None]]
"""Returns if what the service needs answers, else raises a SentinelError."""


class Server:
    """A gRPC server behind the chain.

    Args:
        services: the contract's services that it implements.
        links: the chain's links.

    Attributes:
        grpc: where servicers are added.
    """

    def __init__(self, services: Sequence[ServiceDescriptor], links: Sequence[Interceptor]) -> None:
        self._services = services
        self.grpc = grpc.aio.server(interceptors=[Chain(services, links)], options=_OPTIONS)

    def reflect(self, services: Sequence[ServiceDescriptor]) -> None:
        """Name services to whoever asks; the process behind the door names those of all."""
        names = [each.full_name for each in services]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self.grpc)

    async def serve(self, listen: str, ready: Ready, stopping: asyncio.Event) -> None:
        """Serve until SIGTERM or SIGINT, then drain.

        Args:
            listen: the address to bind.
            ready: what health asks.
            stopping: set when the end begins, so that streams can say so and end themselves.

        Raises:
            SystemExit: the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        checker = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(checker, self.grpc)
        try:
            self.grpc.add_insecure_port(listen)
        except RuntimeError as error:
            raise SystemExit(f"sentinel: cannot listen on {listen}") from error
        await self.grpc.start()
        _log.info("serving", listen=listen)
        async with background(self._watch_health(checker, ready)):
            await stopping.wait()
        _log.info("stopping")
        await checker.enter_graceful_shutdown()
        await self.grpc.stop(_DRAIN_S)

    async def _watch_health(self, checker: health.aio.HealthServicer, ready: Ready) -> None:
        """SERVING while ready; NOT_SERVING from the start until then, and whenever not."""
        names = ["", *(each.full_name for each in self._services)]
        before: health_pb2.HealthCheckResponse.ServingStatus | None = None
        while True:
            status = health_pb2.HealthCheckResponse.NOT_SERVING
            with suppress(SentinelError):
                await ready()
                status = health_pb2.HealthCheckResponse.SERVING
            if status != before:
                for name in names:
                    await checker.set(name, status)
                _log.info("health status changed", status=health_pb2.HealthCheckResponse.ServingStatus.Name(status))
                before = status
            await asyncio.sleep(_HEALTH_S)


@asynccontextmanager
async def background(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run coroutines beside a block; when the block ends they are cancelled and waited for.

    One that fails ends the block, and so the process: to die and be started again beats to live on without a limb.

    Raises:
        ExceptionGroup: what it failed with.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
