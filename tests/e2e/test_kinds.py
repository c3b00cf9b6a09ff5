"""Each kind of check, from REST to scheduled results: one that is UP, and one that is DOWN for the right reason."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grpc import ssl_server_credentials
from grpc_health.v1 import health

from services.wire.client_hello import FINITE_FIELDS, groups_of
from tests.support.health import serving_grpc
from tests.support.mail import SMTP, following
from tests.support.name_server import serving
from tests.support.ports import free_port
from tests.support.stack import Team
from tests.support.targets import Authority, Watched, target
from tests.support.zones import Zone


@dataclass(frozen=True, slots=True)
class Case:
    """A kind, as it is written in REST.

    Attributes:
        good: what is UP.
        bad: what is DOWN.
        why: its error kind.
        phases: of what is UP.
    """

    good: dict[str, Any]
    bad: dict[str, Any]
    why: str
    phases: set[str]


@asynccontextmanager
async def tcp(authority: Authority) -> AsyncIterator[Case]:
    """A server that answers with what it hears."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()

    async with target(Watched(echo), port=free_port()) as port:
        asked = {"host": "127.0.0.1", "port": port, "send": "PING\r\n"}
        yield Case(
            {"tcp": {**asked, "expect": "PING"}},
            {"tcp": {**asked, "host": "localhost", "port": 1}},
            "CONNECT_REFUSED",
            {"connect", "ttfb", "transfer"},
        )


@asynccontextmanager
async def tls(authority: Authority) -> AsyncIterator[Case]:
    """A server whose certificate is good for a week, behind STARTTLS."""
    talk = Watched(following(SMTP, authority.server("mail.test", days=7.5)))
    async with target(talk, port=free_port()) as port:
        asked = {
            "host": "127.0.0.1",
            "port": port,
            "startTls": "START_TLS_SMTP",
            "caCertificates": authority.pem,
            "serverName": "mail.test",
        }
        yield Case(
            {"tls": {**asked, "minDaysLeft": 7}}, {"tls": {**asked, "minDaysLeft": 8}}, "TLS", {"connect", "tls"}
        )


@asynccontextmanager
async def dns(authority: Authority) -> AsyncIterator[Case]:
    """A name server with two mail exchangers."""
    zone = Zone("acme.test. 60 MX 10 mail.acme.test.", "acme.test. 60 MX 20 mail2.acme.test.")
    async with serving(zone) as address:
        asked = {"name": "acme.test", "type": "MX", "server": address}
        yield Case(
            {"dns": {**asked, "expected": ["20 mail2.acme.test", "10 Mail.acme.test."]}},
            {"dns": {**asked, "expected": ["10 mail.acme.test."]}},
            "ASSERTION",
            {"ttfb"},
        )


@asynccontextmanager
async def grpc(authority: Authority) -> AsyncIterator[Case]:
    """A gRPC server under TLS, with a health service."""
    credentials = ssl_server_credentials([authority.pair("api.test")])
    async with serving_grpc(health.aio.HealthServicer(), credentials) as port:
        asked = {"address": f"127.0.0.1:{port}", "tls": True, "caCertificates": authority.pem, "serverName": "api.test"}
        yield Case(
            {"grpc": {**asked, "service": ""}},
            {"grpc": {**asked, "service": "shop.v1.Shop"}},
            "STATUS",
            {"connect", "tls", "ttfb", "transfer"},
        )


CASES: Mapping[str, Callable[[Authority], AbstractAsyncContextManager[Case]]] = {
    "dns": dns,
    "grpc": grpc,
    "tcp": tcp,
    "tls": tls,
}


def results_of(team: Team, cases: Mapping[str, Case]) -> dict[str, dict[str, Any]]:
    """Make two checks of each kind, and wait until each has run: the first result by name."""
    service = team.service()
    names: dict[str, str] = {}
    for kind, case in cases.items():
        for name, asked in ((f"good {kind}", case.good), (f"bad {kind}", case.bad)):
            body = {"name": name, "interval": "5s", "timeout": "2s", **asked}
            made = team.post(f"/services/{service}/checks", **body)["check"]
            read = team.client.get(f"/services/{service}/checks/{made['id']}").json()["check"]
            assert {field: read[kind][field] for field in asked[kind]} == asked[kind]
            names[made["id"]] = name
    seen: dict[str, dict[str, Any]] = {}
    results = team.results(f"?serviceId={service}")
    while len(seen) < len(names):
        result = next(results)["result"]
        if result["outcome"] != "OUTCOME_MISSED":
            seen.setdefault(names[result["checkId"]], result)
    results.close()
    # Other tests may get the ports of the servers, and must not be probed.
    team.client.delete(f"/services/{service}").raise_for_status()
    return seen


async def test_each_kind_is_probed_on_its_schedule_and_its_results_say_how_it_was(team: Team, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with AsyncExitStack() as servers:
        cases = {kind: await servers.enter_async_context(serve(authority)) for kind, serve in CASES.items()}
        seen = await asyncio.to_thread(results_of, team, cases)

    for kind, case in cases.items():
        good, bad = seen[f"good {kind}"], seen[f"bad {kind}"]
        assert (kind, good["outcome"], good["errorMessage"]) == (kind, "OUTCOME_UP", "")
        assert (kind, set(good["phases"])) == (kind, case.phases)
        assert (kind, bad["outcome"], bad["errorKind"]) == (kind, "OUTCOME_DOWN", f"ERROR_KIND_{case.why}")
        assert bad["errorMessage"]


def test_a_worker_offers_no_key_exchange_over_finite_fields(team: Team) -> None:
    """A server could choose one that costs the worker a hundred times as much as a curve."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as listening:
        server.settimeout(10)
        hello = listening.submit(first_bytes, server)
        draft = {"host": "127.0.0.1", "port": server.getsockname()[1]}
        check = {"name": "x", "tls": draft, "interval": "60s", "timeout": "5s"}
        answer = team.client.post("/checks:try", json={"check": check})
        assert answer.status_code == 200
        groups = groups_of(hello.result())
    assert groups
    assert set(groups).isdisjoint(FINITE_FIELDS)


def first_bytes(server: socket.socket) -> bytes:
    """What a client sends first; it gets no answer."""
    connection, _ = server.accept()
    with connection:
        return connection.recv(65_536)
