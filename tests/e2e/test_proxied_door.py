"""Envoy behind trusted proxies, with TLS, on IPv4 and IPv6."""

import json
import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from sentinel.auth.v1.auth_service_pb2 import GetJwksRequest
from sentinel.auth.v1.auth_service_pb2_grpc import AuthServiceStub

from services.platform.security.tls_context import context_trusting
from tests.e2e.door import JWKS, LOGIN, REFRESH, call
from tests.support.patience import PATIENCE_S
from tests.support.scraped import scraped, value
from tests.support.stack import Stack, Team, registration, until
from tests.support.targets import Authority

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("proxied-door")]

BURST = 3
PROXY = "127.0.0.5"
MESSAGE = f"Rate limit exceeded: too many calls from this address (limit {BURST}). Try again later."
RELOADS = "sentinel_tls_certificate_reloads_total"


class SecureStack(Stack):
    """A stack that serves TLS, with files of its certificate that a test may replace."""

    authority: Authority

    def issue(self, folder: Path, days: float = 1) -> None:
        """Write a new certificate and its key into a folder."""
        key, certificate = self.authority.pair("localhost", days=days)
        folder.mkdir(exist_ok=True)
        (folder / "key.pem").write_bytes(key)
        (folder / "cert.pem").write_bytes(certificate)

    @property
    def context(self) -> ssl.SSLContext:
        """Return a context that trusts the authority, whatever address it connects to."""
        context = context_trusting(self.authority.pem)
        context.check_hostname = False
        return context

    def client_at(self, address: str) -> httpx.Client:
        """Return a client that connects from a loopback address."""
        host = "[::1]" if ":" in address else "127.0.0.1"
        transport = httpx.HTTPTransport(local_address=address, verify=self.context)
        return httpx.Client(base_url=f"https://{host}:{self.port}", timeout=60, transport=transport)

    def rest(self) -> httpx.Client:
        """Return a client that is not signed in."""
        return self.client_at("127.0.0.1")

    def served(self) -> bytes:
        """Return the certificate that a new connection gets."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain,
            self.context.wrap_socket(plain) as secure,
        ):
            return secure.getpeercert(binary_form=True) or b""

    def reloads(self, result: str) -> float:
        """Return how often the certificate was replaced, by how that ended."""
        entries = json.loads((self.data_dir / "run" / "metrics.json").read_text())
        (target,) = [each["targets"][0] for each in entries if each["labels"]["process"] == "supervisor"]
        return value(scraped(target), RELOADS, result=result)


@pytest.fixture(scope="module")
def secure(short_folder: Path, template: Path) -> Iterator[SecureStack]:
    """A stack with TLS behind a proxy at 127.0.0.5 or in fd00::/8, whose limits are low."""
    folder = short_folder / "live"
    stack = SecureStack(
        data_dir=short_folder / "secure",
        template=template,
        settings={
            "SENTINEL_AUTH_LIMIT_BURST": str(BURST),
            "SENTINEL_AUTH_LIMIT_PER_MINUTE": "6",
            "SENTINEL_TRUSTED_PROXIES": f"{PROXY}, 198.51.100.0/24",
            "SENTINEL_LISTEN_ADDRESSES": "127.0.0.1, ::1",
            "SENTINEL_TLS_CERT": str(folder / "cert.pem"),
            "SENTINEL_TLS_KEY": str(folder / "key.pem"),
        },
    )
    stack.authority = Authority(short_folder)
    stack.issue(folder)
    stack.start()
    yield stack
    stack.stop()


def limited(client: httpx.Client, *forwarded: str) -> list[bool]:
    """Return for calls with these X-Forwarded-For whether each was over the limit."""
    answers = [call(client, "rest", REFRESH, {"x-forwarded-for": each}) for each in forwarded]
    return [answer.status.message == MESSAGE for answer in answers]


def test_a_client_of_a_trusted_proxy_has_a_limit_of_its_own(secure: SecureStack) -> None:
    with secure.client_at(PROXY) as proxy:
        busy = limited(proxy, *["192.0.2.1"] * (BURST + 1))
        other = limited(proxy, "192.0.2.2")

    assert (busy, other) == ([False] * BURST + [True], [False])


def test_what_a_client_sends_through_a_trusted_proxy_changes_no_address(secure: SecureStack) -> None:
    with secure.client_at(PROXY) as proxy:
        forged = [f"203.0.113.{number}, junk, ::1, 192.0.2.11, 198.51.100.7" for number in range(BURST + 1)]
        victim = limited(proxy, *forged), limited(proxy, "203.0.113.0")

    assert victim == ([False] * BURST + [True], [False])


def test_a_client_that_is_no_trusted_proxy_cannot_choose_its_address(secure: SecureStack) -> None:
    with secure.client_at("127.0.0.6") as client:
        assert limited(client, *(f"192.0.2.2{number}" for number in range(BURST + 1))) == [False] * BURST + [True]


def test_an_entry_that_is_no_address_counts_for_the_proxy(secure: SecureStack) -> None:
    with secure.client_at(PROXY) as proxy:
        entries = ["nonsense", "192.0.2.1:4711", "", "192.0.2.1,"]
        assert limited(proxy, *entries) == [False] * BURST + [True]


def test_the_addresses_of_an_ipv6_network_of_64_bits_are_one_client(secure: SecureStack) -> None:
    with secure.client_at(PROXY) as proxy:
        same = limited(proxy, *(f"2001:db8:0:1:{number}::1" for number in range(BURST + 1)))
        other = limited(proxy, "2001:db8:0:2::1")

    assert (same, other) == ([False] * BURST + [True], [False])


def test_sessions_show_the_address_behind_the_proxies(secure: SecureStack) -> None:
    with Team(secure) as team, secure.client_at(PROXY) as proxy:
        account = registration(team.slug)
        login = {name: account[name] for name in ("tenantSlug", "email", "password")}
        chain = "203.0.113.9, 192.0.2.44, 198.51.100.7"
        proxy.post(LOGIN.route, json=login, headers={"x-forwarded-for": chain}).raise_for_status()
        sessions = team.client.get("/auth/sessions").json()["sessions"]

    assert {each["address"] for each in sessions} == {"127.0.0.1", "192.0.2.44"}


def test_headers_for_envoy_itself_do_not_pass_a_proxy(secure: SecureStack) -> None:
    own = {"x-request-id": "chosen", "x-envoy-original-path": "/elsewhere", "x-envoy-upstream-rq-timeout-ms": "1"}
    with secure.client_at(PROXY) as proxy:
        answer = call(proxy, "rest", JWKS, own)
        refused = call(proxy, "grpc", JWKS, {**own, "grpc-timeout": "soon"})

    assert (answer.http_status, refused.http_status, refused.reason) == (200, 200, "REQUEST_MALFORMED")
    assert "chosen" not in {answer.headers["x-request-id"], refused.headers["x-request-id"]}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_tls_is_served_on_both_families_with_both_protocols(secure: SecureStack, address: str, protocol: str) -> None:
    context = secure.context
    context.set_alpn_protocols([protocol])
    with (
        socket.create_connection((address, secure.port), timeout=60) as plain,
        context.wrap_socket(plain) as connection,
    ):
        chosen = connection.selected_alpn_protocol()
    with secure.client_at(address) as client:
        health = client.get("/healthz")

    assert (chosen, health.status_code) == (protocol, 200)


def test_grpc_takes_the_certificate(secure: SecureStack) -> None:
    credentials = grpc.ssl_channel_credentials(secure.authority.pem.encode())
    with grpc.secure_channel(f"localhost:{secure.port}", credentials) as channel:
        assert AuthServiceStub(channel).GetJwks(GetJwksRequest(), timeout=PATIENCE_S).keys


def test_readyz_shows_each_process(secure: SecureStack) -> None:
    with secure.rest() as client:
        answer, again, head = client.get("/v1/readyz?x"), client.get("/readyz"), client.head("/readyz")
        elsewhere = client.post("/readyz")
    processes = answer.json()["processes"]

    assert (answer.status_code, answer.json()["ready"], head.status_code) == (200, True, 200)
    assert again.json() == answer.json()
    assert {name: each["ready"] for name, each in processes.items()} == {
        "auth": True, "monitor": True, "worker-0": True, "envoy": True,
    }  # fmt: skip
    assert elsewhere.status_code == 404


def _rename(stack: SecureStack, live: Path) -> None:
    stack.issue(live.parent / "new")
    for name in ("key.pem", "cert.pem"):
        (live.parent / "new" / name).rename(live / name)


def _rewrite(stack: SecureStack, live: Path) -> None:
    stack.issue(live)


def _link(stack: SecureStack, live: Path) -> None:
    """Point both names to other files, as certbot does."""
    stack.issue(live.parent / "archive")
    for name in ("cert.pem", "key.pem"):
        (live / name).unlink()
        (live / name).symlink_to(live.parent / "archive" / name)


@pytest.mark.parametrize("replace", [_rename, _rewrite, _link])
def test_a_replaced_certificate_is_served_and_open_connections_stay(
    secure: SecureStack, short_folder: Path, replace: object
) -> None:
    live = short_folder / "live"
    before, done = secure.served(), secure.reloads("ok")
    with secure.rest() as client:
        client.get("/healthz")
        pool = client._transport._pool  # type: ignore[attr-defined]  # httpx shows its connections nowhere else
        (connection,) = pool.connections
        replace(secure, live)  # type: ignore[operator]  # one of the three above
        until(lambda: secure.reloads("ok") > done)
        after = secure.served()
        assert client.get("/healthz").status_code == 200
        assert pool.connections == [connection]

    assert after == ssl.PEM_cert_to_DER_cert((live / "cert.pem").read_text()) != before


def test_a_bad_replacement_keeps_the_certificate_and_is_reported(secure: SecureStack, short_folder: Path) -> None:
    live, before, failed = short_folder / "live", secure.served(), secure.reloads("failed")
    shutil.copytree(live, live.parent / "kept")
    other = live.parent / "other"
    secure.issue(other)
    (other / "key.pem").replace(live / "key.pem")
    until(lambda: secure.reloads("failed") > failed)

    reason = f"SENTINEL_TLS_KEY: {live / 'key.pem'} is not the private key"
    until(lambda: f"TLS certificate reload failed, keeping the current certificate: {reason}" in secure.said())
    assert secure.served() == before
    done = secure.reloads("ok")
    secure.issue(live)
    until(lambda: secure.reloads("ok") > done)
