"""The stack behind a proxy that terminates TLS, with the configuration that docs/proxies/ names.

Each event of a stream is awaited before the test brings about the next one: a proxy that keeps events back until it has
more of them never lets the test go on.
"""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from sentinel.monitor.v1.monitor_service_pb2 import ListServicesRequest
from sentinel.monitor.v1.monitor_service_pb2_grpc import MonitorServiceStub
from sentinel.monitor.v1.result_pb2 import Outcome
from sentinel.probe.v1.probe_service_pb2 import StreamResultsRequest
from sentinel.probe.v1.probe_service_pb2_grpc import ProbeServiceStub

from services.platform.security.tls_context import context_trusting
from tests.e2e.target import Target
from tests.support.ports import free_port
from tests.support.shared import TEMPLATE, RemoteServers, SharedServers
from tests.support.stack import ROOT, Stack, Team, reason, registration
from tests.support.targets import Authority
from tests.system.servers import INSIDE, running
from tools.system.debian_root import DebianRoot

_DOCS = ROOT / "docs" / "proxies"
_CERTIFICATE = "monitor.example.com.pem"
_SILENCE_S = 20.0
_MAIN_OF_NGINX = f"""
daemon off;
pid {INSIDE}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {INSIDE}/body;
    proxy_temp_path {INSIDE}/proxy;
    fastcgi_temp_path {INSIDE}/fastcgi;
    uwsgi_temp_path {INSIDE}/uwsgi;
    scgi_temp_path {INSIDE}/scgi;
    include {INSIDE}/nginx.conf;
}}
"""


@dataclass(kw_only=True)
class ProxiedStack(Stack):
    """A running stack, reached through a proxy.

    Attributes:
        authority: PEM of the authority that has signed the proxy's certificate.
    """

    authority: str = ""

    def rest(self) -> httpx.Client:
        """Return a REST client that is not signed in."""
        return httpx.Client(
            base_url=f"https://{self.address}",
            verify=context_trusting(self.authority),
            timeout=_SILENCE_S,
            trust_env=False,
        )

    def channel(self) -> grpc.Channel:
        """Return a gRPC channel."""
        return grpc.secure_channel(self.address, grpc.ssl_channel_credentials(self.authority.encode()))


@pytest.fixture(scope="module", params=["nginx.conf", "haproxy.cfg"])
def stack(
    request: pytest.FixtureRequest,
    shared: SharedServers | RemoteServers,
    debian: DebianRoot,
    short_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ProxiedStack]:
    """A stack that trusts nginx or HAProxy, which stands in front of it."""
    stack = Stack(
        data_dir=short_folder / f"behind-{request.param}",
        template=shared.get(TEMPLATE),
        settings={"SENTINEL_TRUSTED_PROXIES": "127.0.0.1"},
    )
    stack.start()
    port, folder = free_port(), short_folder / request.param
    folder.mkdir()
    authority = Authority(tmp_path_factory.mktemp("authority"))
    (folder / _CERTIFICATE).write_bytes(b"".join(authority.pair("localhost")))
    (folder / request.param).write_text(_adapted((_DOCS / request.param).read_text(), port, stack.port))
    if request.param == "nginx.conf":
        (folder / "main.conf").write_text(_MAIN_OF_NGINX)
        command = ["exec", "nginx", "-c", f"{INSIDE}/main.conf"]
    else:
        command = ["exec", "haproxy", "-db", "-f", f"{INSIDE}/{request.param}"]
    try:
        with running(debian, folder, port, command):
            yield ProxiedStack(data_dir=stack.data_dir, port=port, authority=authority.pem)
    finally:
        stack.stop()


def _adapted(configuration: str, port: int, upstream: int) -> str:
    """Fill in the ports and the certificate of a test."""
    changes = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "bind :443": f"bind 127.0.0.1:{port}",
        "127.0.0.1:8080": f"127.0.0.1:{upstream}",
        f"/etc/nginx/{_CERTIFICATE}": f"{INSIDE}/{_CERTIFICATE}",
        f"/etc/haproxy/{_CERTIFICATE}": f"{INSIDE}/{_CERTIFICATE}",
    }
    made = 0
    for ours, tests in changes.items():
        made += ours in configuration
        configuration = configuration.replace(ours, tests)
    assert made == 3, "the port, the upstream, the certificate"
    return configuration


def test_rest_answers_as_without_a_proxy(team: Team) -> None:
    service = team.service("Shop")
    listed = team.client.get("/services").json()["services"]
    absent = team.client.get("/services/00000000-0000-7000-8000-000000000000")
    too_large = team.client.post("/services", content=b"x" * (1024 * 1024 + 1))

    assert [each["id"] for each in listed] == [service]
    assert (absent.status_code, reason(absent)) == (404, "SERVICE_NOT_FOUND")
    assert too_large.status_code == 413


def test_the_audit_log_has_the_address_that_the_proxy_saw(stack: ProxiedStack, team: Team) -> None:
    account = registration(team.slug)
    login = {name: account[name] for name in ("tenantSlug", "email", "password")}
    transport = httpx.HTTPTransport(local_address="127.0.0.9", verify=context_trusting(stack.authority))
    with httpx.Client(base_url=f"https://{stack.address}", timeout=_SILENCE_S, transport=transport) as client:
        forged = {"x-forwarded-for": "203.0.113.9"}
        client.post("/auth/login", json=login, headers=forged).raise_for_status()
    sessions = team.client.get("/auth/sessions").json()["sessions"]

    assert "127.0.0.9" in {each["address"] for each in sessions}
    assert "203.0.113.9" not in {each["address"] for each in sessions}


def test_a_unary_grpc_call_answers_and_its_error_has_details(stack: ProxiedStack, team: Team) -> None:
    service = team.service("Shop")
    with stack.channel() as channel:
        monitor = MonitorServiceStub(channel)
        listed = monitor.ListServices(ListServicesRequest(), metadata=team.metadata, timeout=_SILENCE_S)
        with pytest.raises(grpc.RpcError) as refused:
            monitor.ListServices(ListServicesRequest(), timeout=_SILENCE_S)

    assert [each.id for each in listed.services] == [service]
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "grpc-status-details-bin" in [each.key for each in refused.value.trailing_metadata()]


def test_results_arrive_one_by_one_in_every_way_to_stream_them(stack: ProxiedStack, team: Team, target: Target) -> None:
    check = team.check(team.service("Shop"), target.url)
    with ExitStack() as resources:
        channel = resources.enter_context(stack.channel())
        streams = [
            resources.enter_context(closing(stream))
            for stream in (
                _rest(team, check, "application/json"),
                _rest(team, check, "text/event-stream"),
                _grpc(channel, team, check),
            )
        ]
        steps: list[tuple[Callable[[], None], str]] = [
            (lambda: None, "OUTCOME_UP"),
            (target.stop, "OUTCOME_DOWN"),
            (target.start, "OUTCOME_UP"),
            (target.stop, "OUTCOME_DOWN"),
        ]
        for change, outcome in steps:
            change()
            for stream in streams:
                # What was on its way when the target changed has the former outcome.
                assert next(each for each in stream if each == outcome)


def _rest(team: Team, check: str, accept: str) -> Generator[str, None, None]:
    """Yield the outcomes of a check, as REST streams them."""
    with team.client.stream("GET", f"/results:stream?checkId={check}", headers={"accept": accept}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == accept
        for line in filter(None, answer.iter_lines()):
            event = json.loads(line.removeprefix("data: "))
            if "result" in event:
                yield event["result"]["result"]["outcome"]


def _grpc(channel: grpc.Channel, team: Team, check: str) -> Generator[str, None, None]:
    """Yield the outcomes of a check, as gRPC streams them."""
    call = ProbeServiceStub(channel).StreamResults(StreamResultsRequest(check_id=check), metadata=team.metadata)
    try:
        for event in call:
            if event.HasField("result"):
                yield Outcome.Name(event.result.result.outcome)
    finally:
        call.cancel()
