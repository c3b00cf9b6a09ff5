"""Clients of Envoy that choose address, protocol and headers, and counters of what went through."""

import base64
import json
import re
import signal
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import hpack
import httpx
import psutil
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from tests.support.http2 import GOOD, HEADERS, PREFACE, frames
from tests.support.patience import PATIENCE_S
from tests.support.scraped import scraped
from tests.support.stack import Stack, until

PROTOCOLS = ("rest", "grpc", "grpc-web")
_CONTENT_TYPE = {"grpc": "application/grpc", "grpc-web": "application/grpc-web+proto"}


def client_at(stack: Stack, address: str) -> httpx.Client:
    """Return a client that connects from a loopback address."""
    return httpx.Client(
        base_url=f"http://127.0.0.1:{stack.port}", timeout=60, transport=httpx.HTTPTransport(local_address=address)
    )


@dataclass(frozen=True, slots=True)
class Method:
    """A method, as each protocol calls it.

    Attributes:
        path: as gRPC calls it.
        verb: the HTTP method of its REST route.
        route: the path of its REST route.
    """

    path: str
    verb: str
    route: str


JWKS = Method("/sentinel.auth.v1.AuthService/GetJwks", "GET", "/.well-known/jwks.json")
REGISTER = Method("/sentinel.auth.v1.AuthService/Register", "POST", "/auth/register")
LOGIN = Method("/sentinel.auth.v1.AuthService/Login", "POST", "/auth/login")
REFRESH = Method("/sentinel.auth.v1.AuthService/Refresh", "POST", "/auth/refresh")
ACCEPT = Method("/sentinel.auth.v1.AuthService/AcceptInvitation", "POST", "/auth/accept-invitation")
HEARTBEAT = Method("/sentinel.probe.v1.ProbeService/ReportHeartbeat", "POST", "/heartbeat/invented")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, as the client of one protocol parses it.

    Attributes:
        http_status: 200 for every response by gRPC and gRPC-Web.
        status: the google.rpc.Status; empty for a success.
        headers: of the response.
    """

    http_status: int
    status: status_pb2.Status
    headers: Mapping[str, str]

    def detail(self, kind: type[Message]) -> Any:
        """Return the one detail of a kind."""
        found = []
        for each in self.status.details:
            message = kind()
            if each.Unpack(message):
                found.append(message)
        (one,) = found
        return one

    @property
    def reason(self) -> str:
        """Return the reason of the one ErrorInfo."""
        info = self.detail(error_details_pb2.ErrorInfo)
        assert info.domain == "sentinel-stack"
        return str(info.reason)


def call(
    client: httpx.Client, protocol: str, method: Method, headers: Mapping[str, str] | None = None, message: bytes = b""
) -> Answer:
    """Call a method with a message, an empty one by default; REST sends an empty body."""
    if protocol == "rest":
        return from_rest(client.request(method.verb, method.route, headers=headers))
    return call_raw(client, protocol, method.path, struct.pack(">xI", len(message)) + message, headers)


def from_rest(answer: httpx.Response) -> Answer:
    """Return the response to a REST request."""
    status = status_pb2.Status()
    if answer.status_code != httpx.codes.OK:
        json_format.Parse(answer.text, status)
    return Answer(answer.status_code, status, answer.headers)


def call_raw(
    client: httpx.Client, protocol: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> Answer:
    """Call a method by gRPC or gRPC-Web with the bytes of a request's body, framed or not."""
    answer = client.post(
        path, content=body, headers={"content-type": _CONTENT_TYPE[protocol], "te": "trailers", **(headers or {})}
    )
    trailers = _trailers(answer)
    status = status_pb2.Status.FromString(_decoded(trailers.get("grpc-status-details-bin", "")))
    # What clients insist on (grpc_status.rpc_status.from_call).
    assert (status.code, status.message) == (int(trailers["grpc-status"]), unquote(trailers.get("grpc-message", "")))
    return Answer(answer.status_code, status, answer.headers)


def _trailers(answer: httpx.Response) -> Mapping[str, str]:
    if "grpc-status" in answer.headers:
        return answer.headers
    rest = answer.content
    while rest:
        kind, length = struct.unpack(">BI", rest[:5])
        if kind & 0x80:
            lines = rest[5 : 5 + length].decode().split("\r\n")
            return {name: value for name, _, value in (line.partition(":") for line in lines) if name}
        rest = rest[5 + length :]
    return {"grpc-status": "0"}  # HTTP/1.1 carries no trailers of native gRPC to this client


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def stopped_auth(stack: Stack) -> Iterator[None]:
    """Let auth send no response while a block runs."""
    process = stack.child("services.auth.app")
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
    until_auth_answers(stack)


@contextmanager
def replaced_auth(stack: Stack, answer: bytes) -> Iterator[None]:
    """Replace auth while a block runs by a server that sends the same bytes to each call, and passes health checks."""
    supervisor, process = psutil.Process(stack.process.pid), stack.child("services.auth.app")
    path = next(each.laddr for each in process.net_connections("unix") if str(each.laddr).endswith("/auth.sock"))
    supervisor.suspend()  # it would start another
    until(lambda: supervisor.status() == psutil.STATUS_STOPPED)
    try:
        process.kill()
        until(lambda: process.status() == psutil.STATUS_ZOMBIE)
        Path(path).unlink()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            checks = threading.Semaphore(0)
            threading.Thread(target=_answer_always, args=(listener, answer, checks), daemon=True).start()
            # An earlier health check may have failed; at the second that passes, all threads of Envoy know it.
            assert all(checks.acquire(timeout=PATIENCE_S) for _ in range(2))
            with stack.rest() as client:
                until(lambda: client.get("/healthz").status_code == 200)
            yield
            listener.shutdown(socket.SHUT_RDWR)
    finally:
        supervisor.resume()
    until_auth_answers(stack)


def until_auth_answers(stack: Stack) -> None:
    """Return when auth itself responds; Envoy uses the result of the last health check for up to a second."""
    with stack.rest() as client:
        until(lambda: client.get(JWKS.route).status_code == 200)


def _answer_always(listener: socket.socket, answer: bytes, checks: threading.Semaphore) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # shut down
            return
        threading.Thread(target=_answer_once, args=(connection, answer, checks), daemon=True).start()


def _answer_once(connection: socket.socket, answer: bytes, checks: threading.Semaphore) -> None:
    """Pass health checks, because Envoy sends calls to healthy services only; respond to anything else."""
    with connection, suppress(OSError):
        received = b""
        while not (blocks := [payload for kind, payload in frames(received[len(PREFACE) :]) if kind == HEADERS]):
            more = connection.recv(65_536)
            if not more:
                return
            received += more
        path = dict(hpack.Decoder().decode(blocks[0], raw=True))[b":path"]
        if path == b"/grpc.health.v1.Health/Check":
            connection.sendall(GOOD)
            checks.release()
        else:
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):  # with bytes unread it would be reset, and the answer lost
                pass


def handled(stack: Stack, method: str) -> float:
    """Return how many calls of a method the worker has handled, however they ended."""
    entries = json.loads((stack.data_dir / "run" / "metrics.json").read_text())
    (target,) = (entry["targets"][0] for entry in entries if entry["labels"]["process"] == "worker-0")
    return sum(
        count
        for (name, labels), count in scraped(target).items()
        if name == "grpc_server_handled_total" and ("grpc_method", method) in labels
    )


def forwarded(stack: Stack) -> int:
    """Return how many requests Envoy has sent to the services."""
    return sum(_stats(stack, r"^cluster\..*\.upstream_rq_total$").values())


def value_of(stack: Stack, name: str) -> int:
    """Return a figure of Envoy's by its name."""
    (value,) = _stats(stack, f"^{re.escape(name)}$").values()
    return value


def admin(stack: Stack, path: str, **query: str) -> dict[str, Any]:
    """Return what Envoy's admin socket has under a path."""
    socket = httpx.HTTPTransport(uds=str(stack.data_dir / "run" / "envoy-admin.sock"))
    with httpx.Client(transport=socket, base_url="http://envoy") as client:
        return dict(client.get(path, params=query).json())


def _stats(stack: Stack, names: str) -> dict[str, int]:
    found = admin(stack, "/stats", format="json", filter=names)["stats"]
    return {each["name"]: each["value"] for each in found}
