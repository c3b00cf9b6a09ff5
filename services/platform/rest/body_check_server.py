"""The inspection of requests that Envoy calls before transcoding: an HTTP server on a separate Unix socket.

Envoy (ext_authz) sends the request as the client sent it, with a few of its headers. 200 lets it pass, with the result
for the service in a header; 400 is returned to the client. Clients cannot reach the socket.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import httptools
from google.protobuf import json_format

from services.platform import logs
from services.platform.errors import Internal, SentinelError
from services.platform.rest.body import BodyInspector
from services.platform.rpc.interceptors.request_id import KEY, id_of
from services.platform.rpc.interceptors.status import to_status

HEADER = "x-sentinel-body"
"""The header with the result of the inspection; Envoy removes it from client requests."""
ASKED_HEADERS = ("content-type", "content-encoding", KEY)
"""The request headers that the inspection uses."""
_UNIX = "unix:"
_SUFFIX = ".rest"
_log = logs.get("rest")


def body_check_socket(listen: Path) -> Path:
    """Return the socket of the inspection, next to the gRPC socket of a process."""
    return listen.with_name(listen.name + _SUFFIX)


@asynccontextmanager
async def serve_body_checks(listen: str, bodies: BodyInspector) -> AsyncIterator[None]:
    """Serve the inspection while the block runs, if the process listens on a Unix socket, as it does with Envoy.

    Args:
        listen: the gRPC address of the process: unix:<path> or <host>:<port>.
        bodies: inspects requests.

    Raises:
        SystemExit: the socket cannot be bound.
    """
    if not listen.startswith(_UNIX):
        yield
        return
    path = body_check_socket(Path(listen.removeprefix(_UNIX)))
    connections: set[asyncio.Transport] = set()
    try:
        server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(bodies, connections), path)
    except OSError as error:
        raise SystemExit(f"sentinel: cannot listen on unix:{path}") from error
    path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        for each in list(connections):
            each.abort()
        path.unlink(missing_ok=True)


class _Connection(asyncio.Protocol):
    """A connection of Envoy, with sequential requests."""

    def __init__(self, bodies: BodyInspector, connections: set[asyncio.Transport]) -> None:
        self._bodies = bodies
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's, which is not a subclass
        self._connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — the protocol's
        self._connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            _log.warning("Envoy sent invalid HTTP", error=type(error).__name__)
            self._transport.abort()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        self._transport.write(_answer(self._bodies, method, self._url.decode("latin-1"), self._headers, self._body))
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []


def _answer(bodies: BodyInspector, method: str, path: str, headers: dict[str, str], body: list[bytes]) -> bytes:
    try:
        inspected = bodies.inspect(method, path, headers, b"".join(body))
    except SentinelError as error:
        return _refusal(400, error, id_of(headers))
    except Exception:  # noqa: BLE001 — unhandled errors are logged, and Envoy returns 503
        _log.exception("unhandled exception")
        return _refusal(500, Internal(), id_of(headers))
    header = f"{HEADER}: {inspected}\r\n" if inspected is not None else ""
    return f"HTTP/1.1 200 OK\r\n{header}content-length: 0\r\n\r\n".encode("latin-1")


def _refusal(http_status: int, error: SentinelError, request_id: str) -> bytes:
    # In the format in which the transcoder prints the errors of services.
    status = json_format.MessageToJson(
        to_status(error, request_id), indent=None, always_print_fields_with_no_presence=True
    ).encode()
    head = f"HTTP/1.1 {http_status} Refused\r\ncontent-type: application/json\r\ncontent-length: {len(status)}\r\n\r\n"
    return head.encode() + status
