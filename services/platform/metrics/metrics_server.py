"""The server of /metrics and /readyz.

It runs in threads of its own: a scrape waits for nobody on the event loop, and holds it up for no longer than Python
takes to switch between threads.
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
# Fixed: a connection that waits to be accepted gains nothing from longer and longer pauses.
_EXHAUSTED_S = 1.0
_REQUEST_S = 10.0  # a client that sends nothing keeps a thread for no longer


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each request in a thread of its own."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind, without asking for the full name of the host, which may take long."""
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; without a file descriptor for it, wait, or the loop that calls this would spin."""
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

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the name that its caller uses
        """Log nothing: scrapes come every few seconds."""


@asynccontextmanager
async def serving(
    address: Address | None, registry: CollectorRegistry, readyz: Callable[[], tuple[str, bytes]]
) -> AsyncIterator[None]:
    """Serve /metrics and /readyz for as long as the block runs; nothing without an address.

    Args:
        address: where.
        registry: what /metrics shows.
        readyz: returns the status and the JSON of /readyz; called in a thread of its own.

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
        # In a thread: to find the address of a name takes as long as a name server takes.
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
