"""The gRPC server of a process: the chain, health, reflection and graceful shutdown."""

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
# A fixed schedule without backoff: health is queried at the same rate while it fails.
_HEALTH_S = 0.5
_DRAIN_S = 3.0
_LARGEST_METADATA = 64 * 1024
_OPTIONS = [
    # Envoy keeps connections alive with pings; without this grpc would respond GOAWAY too_many_pings.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
    # grpc refuses larger messages without details, so its limit is higher than that of the chain.
    ("grpc.max_receive_message_length", 4 * MOST_BYTES),
    # Above Envoy's limit: Envoy returns a typed error for larger headers.
    ("grpc.max_metadata_size", _LARGEST_METADATA),
    ("grpc.absolute_max_metadata_size", _LARGEST_METADATA),
]

Ready = Callable[[], Awaitable[None]]
"""Returns if the service is ready, else raises a SentinelError."""


class Server:
    """A gRPC server with the interceptor chain.

    Args:
        services: the services of the contract that it implements.
        links: the interceptors.

    Attributes:
        grpc: the server, to which servicers are added.
    """

    def __init__(self, services: Sequence[ServiceDescriptor], links: Sequence[Interceptor]) -> None:
        self._services = services
        self.grpc = grpc.aio.server(interceptors=[Chain(services, links)], options=_OPTIONS)

    def reflect(self, services: Sequence[ServiceDescriptor]) -> None:
        """Enable reflection of services; monitor, to which Envoy routes reflection, lists those of all processes."""
        names = [each.full_name for each in services]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self.grpc)

    async def serve(self, listen: str, ready: Ready, stopping: asyncio.Event) -> None:
        """Serve until SIGTERM or SIGINT, then drain.

        Args:
            listen: the address to bind.
            ready: the readiness check of health.
            stopping: set when shutdown begins, so that streams can send their end.

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
        """Set health to SERVING while ready, and to NOT_SERVING otherwise."""
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
    """Run coroutines while the block runs; cancel them and wait for them at its end.

    If one fails, the block and so the process end: a restart is better than a process without a part of its work.

    Raises:
        ExceptionGroup: the failure of a coroutine.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
