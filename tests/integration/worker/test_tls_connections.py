"""How many connections a server sees, and over which of them a request is sent."""

import asyncio
import ssl
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.tls import TlsSpec
from services.platform.security.tls_context import context_trusting
from services.wire import tls_connection
from services.wire.fast_tls import IS_THERE
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.wire.tls import TlsContexts
from services.wire.tls_library_cache import TlsLibraryCache
from services.worker.probe import Prober
from tests.integration.worker.conftest import LOOPBACK
from tests.integration.worker.probing import PLENTY_S, probe, run, verdict
from tests.support.certificates import ROOT, SERVER, issue, serving
from tests.support.targets import Authority, Echo, target

pytestmark = pytest.mark.skipif(not IS_THERE, reason="the package rtls is not installed")


class Counting:
    """Passes connections on to a server, and keeps what each client says first."""

    def __init__(self, port: int) -> None:
        self.hellos: list[bytes] = []
        self._port = port

    @property
    def count(self) -> int:
        return len(self.hellos)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(65_536)
        self.hellos.append(hello)
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            back.write(hello)
            await asyncio.gather(_pass(reader, back), _pass(there, writer), return_exceptions=True)
        finally:
            back.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.write_eof()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, rustls has time."""
    monkeypatch.setattr(tls_connection, "FAST_TIMEOUT_S", PLENTY_S)


def old(authority: Authority) -> ssl.SSLContext:
    """A server that rustls leaves to OpenSSL."""
    server = authority.server("localhost")
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    return server


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_server_for_openssl_is_dialled_twice_once_and_gets_each_request_once(
    resolver: Resolver, authority: Authority, method: str
) -> None:
    prober = Prober(Network(resolver, LOOPBACK, TlsContexts(authority.trusting)), worker_id="worker-1")
    echo = Echo()
    async with target(echo, old(authority)) as behind:
        counting = Counting(behind)
        async with target(counting) as port:
            url = f"https://localhost:{port}/"
            seen = [await probe(prober, url, method=method) for _ in range(3)]

    assert [verdict(each) for each in seen] == [(Outcome.UP, None)] * 3
    assert (counting.count, len(echo.requests)) == (4, 3)


async def test_a_broken_server_is_dialled_twice_only_the_first_time_and_again_when_it_is_forgotten(
    resolver: Resolver, authority: Authority
) -> None:
    contexts = TlsContexts(authority.trusting)
    prober = Prober(Network(resolver, LOOPBACK, contexts), worker_id="worker-1")
    async with target(Echo(), authority.server("other.test")) as behind:
        counting = Counting(behind)
        async with target(counting) as port:
            spec = TlsSpec(host="localhost", port=port)
            counts = []
            for _ in range(3):
                seen = await run(prober, spec)
                assert verdict(seen) == (Outcome.DOWN, ErrorKind.TLS)
                counts.append(counting.count)
            contexts.libraries = TlsLibraryCache()
            await run(prober, spec)

    assert (counts, counting.count) == ([2, 3, 4], 6)


async def test_a_good_server_is_dialled_once_by_rustls_and_not_at_all_by_it_when_it_is_off(
    resolver: Resolver, authority: Authority
) -> None:
    async with target(Echo(), authority.server("localhost")) as behind:
        counting = Counting(behind)
        async with target(counting) as port:
            for fast in (True, False):
                prober = Prober(
                    Network(resolver, LOOPBACK, TlsContexts(authority.trusting, fast=fast)), worker_id="worker-1"
                )
                assert verdict(await probe(prober, f"https://localhost:{port}/")) == (Outcome.UP, None)

    # OpenSSL offers encrypt_then_mac (RFC 7366) for TLS 1.2; rustls has no cipher suites that it would serve.
    by = ["OpenSSL" if b"\x00\x16\x00\x00" in hello else "rustls" for hello in counting.hellos]
    assert by == ["rustls", "OpenSSL"]


async def test_a_server_that_does_not_answer_rustls_is_judged_by_openssl_in_the_same_run(
    resolver: Resolver, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_connection, "FAST_TIMEOUT_S", 0.01)

    class SilentFirst(Counting):
        async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self.hellos:
                await super().__call__(reader, writer)
            else:
                self.hellos.append(await reader.read(65_536))
                await reader.read()

    prober = Prober(Network(resolver, LOOPBACK, TlsContexts(authority.trusting)), worker_id="worker-1")
    async with target(Echo(), authority.server("localhost")) as behind:
        counting = SilentFirst(behind)
        async with target(counting) as port:
            seen = await probe(prober, f"https://localhost:{port}/")

    assert (verdict(seen), counting.count) == ((Outcome.UP, None), 2)


async def test_a_chain_that_expires_while_it_is_known_is_openssls_again(resolver: Resolver, tmp_path: Path) -> None:
    root = issue(ROOT)
    contexts = TlsContexts(partial(context_trusting, root.pem))
    prober = Prober(Network(resolver, LOOPBACK, contexts), worker_id="worker-1")
    async with target(Echo(), serving(tmp_path, issue(SERVER, root))) as port:
        url = f"https://localhost:{port}/"
        assert verdict(await probe(prober, url)) == (Outcome.UP, None)
        fast = contexts._public_fast["http/1.1"]
        [(key, chain)] = fast._chains.items()
        assert chain is not None
        fast._chains[key] = chain._replace(valid_until=0.0)
        seen = await probe(prober, url)
        remembered = len(contexts.libraries._libraries)

    assert (verdict(seen), remembered) == ((Outcome.UP, None), 1)


async def test_what_follows_the_end_of_tls_is_not_read(resolver: Resolver, authority: Authority) -> None:
    server = authority.server("localhost")

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.wrap_bio(incoming, outgoing, server_side=True)
        said = b""
        while not said.endswith(b"\r\n\r\n"):
            incoming.write(await reader.read(65_536))
            with suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                said += tls.read(65_536)
            writer.write(outgoing.read())
        tls.write(b"HTTP/1.1 200 OK\r\n\r\nok")
        with suppress(ssl.SSLWantReadError):
            tls.unwrap()
        writer.write(outgoing.read() + b"\x17\x03\x03\x00\x20" + bytes(32) + b"no record")
        await asyncio.Event().wait()

    contexts = TlsContexts(authority.trusting)
    async with target(handler) as port:
        seen = await probe(
            Prober(Network(resolver, LOOPBACK, contexts), worker_id="worker-1"), f"https://localhost:{port}/"
        )

    assert (verdict(seen), seen.body_bytes) == ((Outcome.UP, None), 2)
    assert len(contexts.libraries._libraries) == 0  # rustls had it
