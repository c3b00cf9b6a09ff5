"""The HTTP server of /metrics and /readyz.

It runs in its own threads: a scrape does not wait for the event loop, and delays it only by thread switches.
"""

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from services.platform.address import Address

_NOT_FOUND = ("404 Not Found", b'{"error": "not found; available: /metrics, /readyz"}\n')
# A fixed pause: exponential backoff would only delay the connections that wait to be accepted.
_EXHAUSTED_S = 1.0
_REQUEST_S = 10.0  # limits how long a client that sends nothing occupies a thread


class _Server(ThreadingMixIn, WSGIServer):
    """A WSGI server that handles each request in its own thread."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without resolving the full name of the host, which may take long."""
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; if no file descriptor is free, sleep, because the caller retries at once.

        Raises:
            OSError: no connection could be accepted.
        """
        try:
            return self.socket.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                time.sleep(_EXHAUSTED_S)
            raise


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_S

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the name in the base class
        """Log nothing, because there is a scrape every few seconds."""


@asynccontextmanager
async def serve_metrics(
    address: Address | None, registry: CollectorRegistry, readyz: Callable[[], tuple[str, bytes]]
) -> AsyncIterator[None]:
    """Serve /metrics and /readyz while the block runs.

    Args:
        address: the address to listen on; None to serve nothing.
        registry: the metrics that /metrics shows.
        readyz: returns the HTTP status and the JSON body of /readyz; called in a thread of the server.

    Raises:
        SystemExit: the address cannot be bound.
    """
    if address is None:
        yield
        return
    metrics = make_wsgi_app(registry)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            page: Iterable[bytes] = metrics(environ, start_response)
            return page
        status, body = readyz() if environ["PATH_INFO"] == "/readyz" else _NOT_FOUND
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    try:
        # In a thread, because resolving a host name blocks.
        server = await asyncio.to_thread(_listen, address)
    except OSError as error:
        raise SystemExit(f"sentinel: cannot serve metrics on {address}: {error.strerror}") from error
    server.set_app(app)
    thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        await asyncio.to_thread(thread.join)


def _listen(address: Address) -> WSGIServer:
    family, _, _, _, found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    kind = _Server6 if family == socket.AF_INET6 else _Server
    return kind((str(found[0]), address.port), _Handler)
