"""TLS: the verification, its reported facts, and its failures."""

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.http_auth import HttpAuth
from services.checks.specs.tls_options import TlsOptions
from services.platform.clock import to_datetime
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.wire.tls import TlsContexts
from services.wire.tls_connection import LARGEST_HANDSHAKE
from services.worker.probe import Prober
from tests.integration.worker.conftest import LOOPBACK
from tests.integration.worker.probing import probe, verdict
from tests.support.newer_python import verify_as_python_3_13
from tests.support.public_tls import public_tls
from tests.support.targets import OK, Authority, Echo, saying, target


async def test_tls_is_verified_and_its_certificates_end_is_told(prober: Prober, authority: Authority) -> None:
    async with target(Echo(), authority.server("localhost")) as port:
        seen = await probe(prober, f"https://localhost:{port}/")

    assert verdict(seen) == (Outcome.UP, None)
    assert seen.tls_us is not None
    assert seen.tls_not_after_us is not None
    assert seen.tls_version == "1.3"


@pytest.mark.parametrize(
    ("host", "days", "self_signed", "said"),
    [
        ("localhost", -1, False, "expired: CN=localhost was valid until "),
        ("localhost", 1, True, "unknown authority: CN=localhost is self-signed"),
        ("other.test", 1, False, "host name mismatch: expected localhost, certificate has other.test"),
    ],
)
async def test_a_certificate_that_is_not_valid_is_a_tls_error_that_says_why(
    prober: Prober, authority: Authority, host: str, days: float, self_signed: bool, said: str
) -> None:
    async with target(Echo(), authority.server(host, days=days, self_signed=self_signed)) as port:
        seen = await probe(prober, f"https://localhost:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TLS)
    assert said in seen.error_message
    assert seen.ttfb_us is None


@pytest.mark.parametrize("garbage", [b"", b"HTTP/1.1 400 plain\r\n\r\n", b"\x16\x03\x01\x00\x05hello"])
async def test_a_broken_handshake_is_a_tls_error(prober: Prober, garbage: bytes) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(garbage)
        await writer.drain()

    async with target(handler) as port:
        seen = await probe(prober, f"https://localhost:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TLS)


async def test_the_version_that_was_agreed_on_is_told(prober: Prober, authority: Authority) -> None:
    server = authority.server("localhost")
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    async with target(Echo(), server) as port:
        seen = await probe(prober, f"https://localhost:{port}/")

    assert (verdict(seen), seen.tls_version) == ((Outcome.UP, None), "1.2")


@pytest.mark.parametrize(
    ("host", "days", "self_signed"), [("localhost", -1, False), ("localhost", 1, True), ("other.test", 1, False)]
)
async def test_without_verification_any_certificate_is_taken_and_its_end_is_told(
    prober: Prober, authority: Authority, host: str, days: float, self_signed: bool
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    async with target(Echo(), authority.server(host, days=days, self_signed=self_signed)) as port:
        seen = await probe(prober, f"https://localhost:{port}/", tls=TlsOptions(skip_verify=True))

    assert verdict(seen) == (Outcome.UP, None)
    assert seen.tls_not_after_us is not None
    assert abs((to_datetime(seen.tls_not_after_us) - now).total_seconds() - days * 86_400) < 300


@pytest.mark.parametrize("options", [TlsOptions(), TlsOptions(skip_verify=True)])
async def test_the_server_is_asked_for_http_1_1(prober: Prober, authority: Authority, options: TlsOptions) -> None:
    agreed: list[str | None] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agreed.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await Echo()(reader, writer)

    server = authority.server("localhost")
    server.set_alpn_protocols(["h2", "http/1.1"])
    async with target(handler, server) as port:
        seen = await probe(prober, f"https://localhost:{port}/", tls=options)

    assert (verdict(seen), agreed) == ((Outcome.UP, None), ["http/1.1"])


async def test_authorities_of_a_check_are_trusted_instead_of_the_public_ones(
    resolver: Resolver, authority: Authority, tmp_path: Path
) -> None:
    public = Prober(Network(resolver, LOOPBACK, public_tls()), worker_id="worker-1")
    stranger = Authority(tmp_path)
    async with target(Echo(), authority.server("localhost")) as port:
        url = f"https://localhost:{port}/"
        seen = [
            await probe(public, url, tls=TlsOptions(ca_certificates=pem)) for pem in (authority.pem, stranger.pem, "")
        ]

    assert [verdict(each) for each in seen] == [(Outcome.UP, None), *[(Outcome.DOWN, ErrorKind.TLS)] * 2]


async def test_the_name_of_a_check_is_asked_for_and_verified_instead_of_the_hosts(
    prober: Prober, authority: Authority
) -> None:
    asked: list[str | None] = []
    server = authority.server("other.test")
    server.sni_callback = lambda _, name, __: asked.append(name)
    async with target(Echo(), server) as port:
        seen = await probe(prober, f"https://127.0.0.1:{port}/", tls=TlsOptions(server_name="other.test"))
        wrong = await probe(prober, f"https://localhost:{port}/", tls=TlsOptions(server_name="another.test"))

    assert verdict(seen) == (Outcome.UP, None)
    assert verdict(wrong) == (Outcome.DOWN, ErrorKind.TLS)
    # Where rustls refuses a certificate, OpenSSL asks once more.
    assert list(dict.fromkeys(asked)) == ["other.test", "another.test"]


async def test_the_name_of_a_check_is_not_asked_of_another_origin(prober: Prober, authority: Authority) -> None:
    async with target(Echo(), authority.server("localhost")) as end:
        moved = f"HTTP/1.1 302 Moved\r\nlocation: https://localhost:{end}/\r\ncontent-length: 0\r\n\r\n"
        async with target(Echo(moved.encode()), authority.server("other.test")) as port:
            seen = await probe(prober, f"https://127.0.0.1:{port}/", tls=TlsOptions(server_name="other.test"))

    assert (verdict(seen), seen.redirects) == ((Outcome.UP, None), 1)


async def test_a_handshake_without_an_end_is_a_timeout_that_says_so(prober: Prober) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"\x16\x03\x03\x40\x00")
        await writer.drain()
        await asyncio.Event().wait()

    async with target(handler) as port:
        seen = await probe(prober, f"https://localhost:{port}/", timeout_s=0.2)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TIMEOUT)
    assert seen.connect_us is not None
    assert (seen.tls_us, seen.ttfb_us, seen.tls_version) == (None, None, None)
    assert "the TLS handshake" in seen.error_message


async def test_an_answer_of_many_records_in_single_bytes_is_read(prober: Prober, authority: Authority) -> None:
    async with target(saying(*(bytes([byte]) for byte in OK)), authority.server("localhost")) as port:
        seen = await probe(prober, f"https://localhost:{port}/", body_contains="ok")

    assert verdict(seen) == (Outcome.UP, None)


async def test_an_endless_answer_under_tls_is_cut_off(prober: Prober, authority: Authority) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"a" * 65_536)
            await writer.drain()

    async with target(handler, authority.server("localhost")) as port:
        seen = await probe(prober, f"https://localhost:{port}/")

    assert (verdict(seen), seen.body_bytes) == ((Outcome.UP, None), 1024 * 1024)


async def test_a_connection_that_breaks_off_behind_the_handshake_is_a_protocol_error(
    prober: Prober, authority: Authority
) -> None:
    async with target(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"), authority.server("localhost")) as port:
        seen = await probe(prober, f"https://localhost:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL)
    assert seen.tls_us is not None


async def test_a_servers_certificate_needs_no_authority_key_identifier(
    resolver: Resolver, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify_as_python_3_13(monkeypatch)
    _, pem = authority.pair("localhost")
    extensions = {each.oid for each in x509.load_pem_x509_certificate(pem).extensions}
    own = TlsOptions(ca_certificates=authority.pem)
    showing = HttpAuth(client_certificate=ClientCertificate(*authority.client()))
    prober = Prober(Network(resolver, LOOPBACK, TlsContexts(authority.trusting)), worker_id="worker-1")
    async with target(Echo(), authority.server("localhost")) as port:
        url = f"https://localhost:{port}/"
        seen = [
            await probe(prober, url, tls=tls, auth=auth)
            for tls in (TlsOptions(), own)
            for auth in (HttpAuth(), showing)
        ]

    assert ExtensionOID.AUTHORITY_KEY_IDENTIFIER not in extensions
    assert [verdict(each) for each in seen] == [(Outcome.UP, None)] * 4


@pytest.mark.parametrize("version", ["this Python", "Python 3.13"])
async def test_a_chain_may_end_at_any_certificate_that_is_trusted(
    resolver: Resolver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    if version != "this Python":
        verify_as_python_3_13(monkeypatch)
    authority = Authority(tmp_path)
    key, pem = authority.pair("localhost")
    (tmp_path / "pair.pem").write_bytes(key + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "pair.pem")
    prober = Prober(Network(resolver, LOOPBACK, public_tls()), worker_id="worker-1")
    async with target(Echo(), server) as port:
        url = f"https://localhost:{port}/"
        by_leaf, by_root = [
            await probe(prober, url, tls=TlsOptions(ca_certificates=trusted))
            for trusted in (pem.decode(), authority.pem)
        ]

    assert verdict(by_leaf) == (Outcome.UP, None)
    assert verdict(by_root) == (Outcome.UP, None)


async def test_a_server_that_sends_more_certificates_than_are_verified_is_a_tls_error(
    prober: Prober, authority: Authority, tmp_path: Path
) -> None:
    chains = {count: tmp_path / f"{count}.pem" for count in (20, 150)}
    contexts = {}
    for count, path in chains.items():
        path.write_bytes(b"".join(authority.pair("localhost")) + authority.pem.encode() * count)
        contexts[count] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[count].load_cert_chain(path)
    assert chains[20].stat().st_size < LARGEST_HANDSHAKE < chains[150].stat().st_size * 3 // 4

    async with target(Echo(), contexts[20]) as port:
        few = await probe(prober, f"https://localhost:{port}/")
    echo = Echo()
    async with target(echo, contexts[150]) as port:
        many = await probe(prober, f"https://localhost:{port}/")
        # OpenSSL itself would take them.
        _, writer = await asyncio.open_connection("localhost", port, ssl=authority.trusting())
        writer.close()

    assert verdict(few) == (Outcome.UP, None)
    assert (verdict(many), echo.requests) == ((Outcome.DOWN, ErrorKind.TLS), [])
    assert many.error_message == "server sent more than 48 KiB during the TLS handshake"
