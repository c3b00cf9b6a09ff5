"""A whole stack, started like users start it, and clients that call it like theirs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import grpc
import httpx
import psutil

from tests.support.database import copy_template
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct horse"  # of teams that live as long as a test


@dataclass(kw_only=True)
class Stack:
    """`python -m cli up` with its own port and data folder.

    Attributes:
        data_dir: the data folder.
        port: the port of Envoy.
        settings: further settings.
        template: a data folder of PostgreSQL to copy at the first start; None creates one like `up`.
        durable: whether commits in a copy survive a crash of the machine.
        module: the module to run instead of the command line.
        pid: its process, once it runs.
    """

    data_dir: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    template: Path | None = None
    durable: bool = False
    module: str = "cli"
    pid: int = 0

    def start(self) -> None:
        """Start the stack, and wait until it reports that it is up."""
        from_here = len(self.said())
        self.launch()
        until(lambda: "is up after" in self.said(from_here) or self.process.poll() is not None)
        assert self.process.poll() is None, self.said(from_here)

    def launch(self) -> None:
        """Start the stack without waiting."""
        if self.template is not None and not self.data_dir.exists():
            copy_template(self.template, self.data_dir / "postgres", durable=self.durable)
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, "up", "--stop-with-parent"],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "TMPDIR": str(self.data_dir.parent),  # what a killed run leaves goes with the test's folder
                    "SENTINEL_HTTP_PORT": str(self.port),
                    "SENTINEL_DATA_DIR": str(self.data_dir),
                    "SENTINEL_EGRESS_ALLOW": "127.0.0.0/8",
                    "SENTINEL_AUTH_LIMIT_BURST": "100000",
                    "SENTINEL_AUTH_LIMIT_PER_MINUTE": "100000",
                    "SENTINEL_HEARTBEAT_LIMIT_BURST": "1000000",
                    "SENTINEL_HEARTBEAT_LIMIT_PER_MINUTE": "1000000",
                    **self.settings,
                },
            )
        self.pid = self.process.pid

    def said(self, offset: int = 0) -> str:
        """Return its output."""
        return self.log.read_text()[offset:] if self.log.exists() else ""

    @property
    def log(self) -> Path:
        """The file that it prints to."""
        return self.data_dir.with_suffix(".log")

    def stop(self, number: int = signal.SIGINT) -> float:
        """Stop the stack like Ctrl-C; return how many seconds that took."""
        begun = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE_S)
        return time.monotonic() - begun

    def children(self) -> list[psutil.Process]:
        """Return all its processes."""
        return list(psutil.Process(self.pid).children(recursive=True))

    def child(self, *words: str) -> psutil.Process:
        """Return the process whose command contains these words."""
        (found,) = [
            each
            for each in psutil.Process(self.pid).children()
            if all(any(word in part for part in each.cmdline()) for word in words)
        ]
        return found

    @property
    def address(self) -> str:
        """Host and port."""
        return f"localhost:{self.port}"

    def rest(self) -> httpx.Client:
        """Return a REST client that is not signed in."""
        return httpx.Client(base_url=f"http://{self.address}", timeout=60, trust_env=False)


def until(condition: Any, timeout_s: float = PATIENCE_S) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it does not hold in time.
    """
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Person:
    """A further user of a team.

    Attributes:
        id: the id of the user.
        email: the email of the user; the password is PASSWORD.
        token: the access token of the first session.
        refresh_token: the refresh token of that session.
    """

    id: str
    email: str
    token: str
    refresh_token: str


class Team:
    """A registered tenant with a signed-in client.

    Attributes:
        tokens: the tokens of the registration.
        client: sends the access token with each call.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.slug = f"team-{uuid4().hex[:12]}"
        self.client = stack.rest()
        answer = self.client.post("/auth/register", json=registration(self.slug))
        answer.raise_for_status()
        self.registered = answer.json()
        self.tokens = self.registered["tokens"]
        self.client.headers.update(bearer(self.tokens["accessToken"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """For gRPC."""
        return (("authorization", f"Bearer {self.tokens['accessToken']}"),)

    def person(self, role: str) -> "Person":
        """Invite a user to the team and accept; return the user."""
        email = f"{uuid4().hex}@acme.test"
        invited = self.post("/users:invite", email=email, role=f"ROLE_{role.upper()}")
        with self.stack.rest() as client:
            answer = client.post("/auth/accept-invitation", json={"token": invited["token"], "password": PASSWORD})
        answer.raise_for_status()
        tokens = answer.json()["tokens"]
        return Person(answer.json()["user"]["id"], email, tokens["accessToken"], tokens["refreshToken"])

    def api_key(self, role: str) -> dict[str, Any]:
        """Create an API key; return the response."""
        return self.post("/api-keys", name=uuid4().hex, role=f"ROLE_{role.upper()}")

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Send a write that succeeds; return its response."""
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def service(self, name: str = "") -> str:
        """Create a service; return its id."""
        return str(self.post("/services", name=name or f"s-{uuid4().hex[:8]}")["service"]["id"])

    def check(self, service_id: str, url: str, **rest: Any) -> str:
        """Create a check of 5 s; return its id."""
        body = {"name": f"c-{uuid4().hex[:8]}", "http": {"url": url}, "interval": "5s", "timeout": "2s", **rest}
        return str(self.post(f"/services/{service_id}/checks", **body)["check"]["id"])

    def heartbeat(self, service_id: str, **rest: Any) -> tuple[str, str]:
        """Create a heartbeat of 5 s; return its id and its token."""
        body = {"name": f"c-{uuid4().hex[:8]}", "heartbeat": {}, "interval": "5s", **rest}
        made = self.post(f"/services/{service_id}/checks", **body)
        return str(made["check"]["id"]), str(made["heartbeatToken"])

    def status(self, service_id: str) -> dict[str, Any]:
        """Return the status of a service."""
        answer = self.client.get(f"/services/{service_id}/status")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["status"])

    def stream(self, query: str = "") -> Generator[dict[str, Any], None, None]:
        """Yield the events of the results stream until the server ends it."""
        with self.client.stream("GET", f"/results:stream{query}") as answer:
            for line in answer.iter_lines():
                yield json.loads(line)

    def results(self, query: str = "") -> Generator[dict[str, Any], None, None]:
        """Yield the results of the stream, and resume whenever the server ends it."""
        while True:
            for event in self.stream(query):
                if "result" in event:
                    yield event["result"]
                elif "end" in event:
                    query = f"?{httpx.QueryParams(query.removeprefix('?')).set('cursor', event['end']['cursor'])}"


def registration(slug: str) -> dict[str, str]:
    """Return the registration of a new team."""
    return {"tenantName": "Acme", "tenantSlug": slug, "email": "a@acme.test", "password": PASSWORD}


@contextmanager
def grpc_channel(stack: Stack) -> Iterator[grpc.Channel]:
    """Yield a plain gRPC channel through Envoy."""
    with grpc.insecure_channel(stack.address) as channel:
        yield channel


def bearer(token: str) -> dict[str, str]:
    """Return the header with a bearer token."""
    return {"authorization": f"Bearer {token}"}


def reason(answer: httpx.Response) -> str:
    """Return the reason of a REST error, which has exactly one."""
    (info,) = [each for each in answer.json()["details"] if each["@type"].endswith("google.rpc.ErrorInfo")]
    assert info["domain"] == "sentinel-stack"
    return str(info["reason"])


def fields(answer: httpx.Response) -> list[str]:
    """Return the fields that a REST error names."""
    return [
        violation["field"]
        for each in answer.json()["details"]
        if each["@type"].endswith("BadRequest")
        for violation in each["fieldViolations"]
    ]
