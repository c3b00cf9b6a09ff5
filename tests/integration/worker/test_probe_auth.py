"""Who a check says it is reaches its target, and nobody else."""

import asyncio
import ssl
from uuid import UUID

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import BasicAuth, HttpAuth
from services.checks.specs.tls_options import TlsOptions
from services.wire import tls as tls_module
from services.wire.internal_error import InternalProbeError
from services.wire.network import Network
from services.wire.tls import TlsContexts
from services.worker.probe import Prober
from tests.integration.worker.probing import probe, run, verdict
from tests.integration.worker.watched_cpu import WatchedCpu
from tests.support.targets import OK, Authority, Echo, Handler, target


def demanding(header: bytes) -> Handler:
    """Answers 200 to a request with this header, else 401."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        answer = OK if header in head.split(b"\r\n") else b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"
        writer.write(answer)
        await writer.drain()

    return handler


def moved(url: str) -> Echo:
    return Echo(f"HTTP/1.1 302 Moved\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (HttpAuth(basic_auth=BasicAuth("bob", "grüße")), b"Authorization: Basic Ym9iOmdyw7zDn2U="),
        (HttpAuth(basic_auth=BasicAuth("", "")), b"Authorization: Basic Og=="),
        (HttpAuth(bearer_token="abc.def"), b"Authorization: Bearer abc.def"),
    ],
)
async def test_a_target_that_wants_to_know_who_asks_is_told(prober: Prober, auth: HttpAuth, header: bytes) -> None:
    async with target(demanding(header)) as port:
        known = await probe(prober, f"http://127.0.0.1:{port}/", auth=auth)
        unknown = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(known) == (Outcome.UP, None)
    assert verdict(unknown) == (Outcome.DOWN, ErrorKind.STATUS)


@pytest.mark.parametrize("auth", [HttpAuth(basic_auth=BasicAuth("bob", "s3cret")), HttpAuth(bearer_token="s3cret")])
async def test_another_origin_is_not_told(prober: Prober, auth: HttpAuth) -> None:
    stranger = Echo()
    async with target(stranger) as end, target(moved(f"http://127.0.0.1:{end}/")) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", auth=auth)

    assert verdict(seen) == (Outcome.UP, None)
    assert b"authorization" not in stranger.requests[0].lower()


# Under TLS 1.3 a server refuses behind the handshake; one that then hangs up without an alert broke the protocol.
@pytest.mark.parametrize(
    ("version", "kinds"),
    [(ssl.TLSVersion.TLSv1_2, {ErrorKind.TLS}), (ssl.TLSVersion.TLSv1_3, {ErrorKind.TLS, ErrorKind.PROTOCOL})],
)
async def test_a_target_that_asks_for_a_certificate_is_shown_it(
    prober: Prober, authority: Authority, version: ssl.TLSVersion, kinds: set[ErrorKind]
) -> None:
    server = authority.asking("localhost")
    server.minimum_version = server.maximum_version = version
    options = TlsOptions(ca_certificates=authority.pem)
    with_it = HttpAuth(client_certificate=ClientCertificate(*authority.client()))
    expired = HttpAuth(client_certificate=ClientCertificate(*authority.client(days=-1)))
    async with target(Echo(), server) as port:
        url = f"https://localhost:{port}/"
        known = [await probe(prober, url, auth=with_it, tls=tls) for tls in (options, TlsOptions(skip_verify=True)) * 2]
        unknown = [await probe(prober, url, auth=auth, tls=options) for auth in (HttpAuth(), expired)]

    assert [verdict(each) for each in known] == [(Outcome.UP, None)] * 4
    assert [each.outcome for each in unknown] == [Outcome.DOWN] * 2
    assert {each.error_kind for each in unknown} <= kinds


async def test_a_target_that_does_not_ask_for_a_certificate_is_up_all_the_same(
    prober: Prober, authority: Authority
) -> None:
    auth = HttpAuth(client_certificate=ClientCertificate(*authority.client()))
    async with target(Echo(), authority.server("localhost")) as port:
        seen = await probe(
            prober, f"https://localhost:{port}/", auth=auth, tls=TlsOptions(ca_certificates=authority.pem)
        )

    assert verdict(seen) == (Outcome.UP, None)


async def test_a_certificate_is_not_shown_to_another_origin_nor_by_another_check(
    prober: Prober, authority: Authority
) -> None:
    auth = HttpAuth(client_certificate=ClientCertificate(*authority.client()))
    options = TlsOptions(ca_certificates=authority.pem)
    server = authority.asking("localhost")
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    async with target(Echo(), server) as end, target(moved(f"https://localhost:{end}/"), server) as port:
        within = await probe(prober, f"https://localhost:{end}/", auth=auth, tls=options)
        away = await probe(prober, f"https://localhost:{port}/", auth=auth, tls=options)
        other = await probe(prober, f"https://localhost:{end}/", tls=options)

    assert verdict(within) == (Outcome.UP, None)
    assert (verdict(away), away.redirects) == ((Outcome.DOWN, ErrorKind.TLS), 1)
    assert verdict(other) == (Outcome.DOWN, ErrorKind.TLS)


async def test_it_goes_along_within_the_origin(prober: Prober, authority: Authority) -> None:
    auth = HttpAuth(client_certificate=ClientCertificate(*authority.client()), bearer_token="abc")
    came: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        came.append(head)
        first = head.startswith(b"GET / ")
        answer = b"HTTP/1.1 302 Moved\r\nlocation: /next\r\ncontent-length: 0\r\n\r\n" if first else OK
        writer.write(answer)
        await writer.drain()

    async with target(handler, authority.asking("localhost")) as port:
        seen = await probe(
            prober, f"https://localhost:{port}/", auth=auth, tls=TlsOptions(ca_certificates=authority.pem)
        )

    assert (verdict(seen), seen.redirects) == ((Outcome.UP, None), 1)
    assert [b"Authorization: Bearer abc" in head for head in came] == [True, True]


async def test_contexts_that_show_a_certificate_are_kept_by_what_they_hold_and_bounded(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_module, "_MOST_SHOWING", 2)
    contexts = TlsContexts(authority.trusting)
    options = TlsOptions(ca_certificates=authority.pem)
    pems = [authority.client() for _ in range(3)]
    first = await contexts.with_client_certificate(options, ClientCertificate(*pems[0]))

    assert (
        await contexts.with_client_certificate(
            TlsOptions(ca_certificates=authority.pem, server_name="a.test"), ClientCertificate(*pems[0])
        )
        is first
    )
    assert (
        await contexts.with_client_certificate(TlsOptions(skip_verify=True), ClientCertificate(*pems[0])) is not first
    )
    await contexts.with_client_certificate(options, ClientCertificate(*pems[1]))
    await contexts.with_client_certificate(options, ClientCertificate(*pems[2]))
    assert len(contexts._showing) == 2
    assert await contexts.with_client_certificate(options, ClientCertificate(*pems[0])) is not first
    assert contexts.of(options) is not await contexts.with_client_certificate(options, ClientCertificate(*pems[0]))


async def test_a_certificate_that_cannot_be_used_is_our_own_trouble_each_time(authority: Authority) -> None:
    contexts = TlsContexts(authority.trusting)
    broken = ClientCertificate(authority.client()[0], authority.client()[1])  # of two certificates
    for _ in range(2):
        with pytest.raises(InternalProbeError):
            await contexts.with_client_certificate(TlsOptions(skip_verify=True), broken)


async def test_a_context_that_is_not_kept_is_made_off_the_event_loop_and_charged(
    network: Network, authority: Authority
) -> None:
    cpu, tenant_id = WatchedCpu(), UUID(int=7)
    prober = Prober(network, cpu=cpu, worker_id="worker-1")
    auth = HttpAuth(client_certificate=ClientCertificate(*authority.client()))
    async with target(Echo(), authority.asking("localhost")) as port:
        spec = HttpSpec(url=f"https://localhost:{port}/", auth=auth, tls=TlsOptions(ca_certificates=authority.pem))
        for _ in range(3):
            seen = await run(prober, spec, tenant_id=tenant_id)
            assert verdict(seen) == (Outcome.UP, None), seen.error_message
    assert cpu.worked == [tenant_id]
    assert tenant_id in cpu.budget._left
    cpu.close()


async def test_what_a_message_says_has_no_secret(prober: Prober) -> None:
    auth = HttpAuth(bearer_token="expected 204")
    async with target(Echo()) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", auth=auth, expected_statuses=(204,))

    assert seen.error_message == "status 200, [secret]"
