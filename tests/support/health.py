"""Real gRPC servers, with grpcio's own health service or without one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc


@asynccontextmanager
async def serving_grpc(servicer: Any = None, tls: grpc.ServerCredentials | None = None) -> AsyncIterator[int]:
    """Run a server on a free port; yield the port."""
    server = grpc.aio.server()
    if servicer is not None:
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    address = "127.0.0.1:0"
    port = server.add_secure_port(address, tls) if tls else server.add_insecure_port(address)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)
