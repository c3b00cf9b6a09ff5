"""TLS checks against real servers: whom they trust, how long the certificate must last, and how they fail."""

import asyncio
import datetime
import ssl
from pathlib import Path
from typing import Any

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.tls import TlsSpec
from services.platform.clock import to_datetime
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.worker.probe import Prober
from tests.integration.worker.conftest import LOOPBACK
from tests.integration.worker.deadlines import FEW_TURNS, Deadlines
from tests.integration.worker.probing import PLENTY_S, run, verdict
from tests.support.public_tls import public_tls
from tests.support.targets import Authority, Handler, Watched, reset, target


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says nothing, for as long as the other end is there."""
    await reader.read()


async def test_a_server_to_be_trusted_is_up_and_its_certificate_is_told(prober: Prober, authority: Authority) -> None:
    watched = Watched(nothing)
    phases: list[str] = []
    async with target(watched, authority.server("localhost", days=20.5)) as port:
        seen = await run(
            prober,
            TlsSpec(host="localhost", port=port, min_days_left=20),
            timeout_s=PLENTY_S,
            on_phase=lambda phase, _: phases.append(phase),
        )
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert verdict(seen) == (Outcome.UP, None)
    assert phases == ["dns", "connect", "tls"]
    assert (seen.tls_version, seen.ttfb_us, seen.transfer_us) == ("1.3", None, None)
    assert seen.tls_not_after_us is not None
    left = to_datetime(seen.tls_not_after_us) - datetime.datetime.now(datetime.UTC)
    assert abs(left.total_seconds() - 20.5 * 86_400) < 300


@pytest.mark.parametrize("skip_verify", [False, True])
async def test_a_certificate_that_ends_too_soon_is_down_and_says_how_many_days_are_left(
    prober: Prober, authority: Authority, skip_verify: bool
) -> None:
    async with target(nothing, authority.server("localhost", days=9.5)) as port:
        seen = await run(prober, TlsSpec(host="localhost", port=port, min_days_left=10, skip_verify=skip_verify))

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TLS)
    assert seen.tls_not_after_us is not None
    assert seen.error_message == (
        f"certificate expires in 9 days, on {to_datetime(seen.tls_not_after_us):%Y-%m-%d}; minimum 10 days"
    )
    assert seen.tls_us is not None


@pytest.mark.parametrize(
    ("host", "days", "self_signed", "said"),
    [
        ("localhost", -1, False, "certificate has expired: "),
        ("localhost", 1, True, "certificate signed by an unknown authority: "),
        ("other.test", 1, False, "certificate host name mismatch: "),
    ],
)
async def test_a_certificate_that_is_not_valid_says_why(
    prober: Prober, authority: Authority, host: str, days: float, self_signed: bool, said: str
) -> None:
    async with target(nothing, authority.server(host, days=days, self_signed=self_signed)) as port:
        seen = await run(prober, TlsSpec(host="localhost", port=port))

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TLS)
    assert seen.error_message.startswith(said)


async def test_an_unknown_authority_is_said_to_be_one(resolver: Resolver, authority: Authority) -> None:
    public = Prober(Network(resolver, LOOPBACK, public_tls()), worker_id="worker-1")
    async with target(nothing, authority.server("localhost")) as port:
        seen = await run(public, TlsSpec(host="localhost", port=port))

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TLS)
    assert seen.error_message.startswith("certificate signed by an unknown authority: ")


@pytest.mark.parametrize(
    ("host", "days", "self_signed", "ends"),
    [
        ("other.test", 1, True, (Outcome.UP, None)),
        ("localhost", -1, False, (Outcome.DOWN, ErrorKind.TLS)),
    ],
)
async def test_without_verification_anybodys_certificate_is_taken_but_not_an_expired_one(
    prober: Prober, authority: Authority, host: str, days: float, self_signed: bool, ends: tuple[Outcome, ErrorKind]
) -> None:
    async with target(nothing, authority.server(host, days=days, self_signed=self_signed)) as port:
        seen = await run(prober, TlsSpec(host="localhost", port=port, skip_verify=True))

    assert verdict(seen) == ends
    assert seen.tls_not_after_us is not None


async def test_authorities_and_a_name_of_the_checks_own_are_used(
    resolver: Resolver, authority: Authority, tmp_path: Path
) -> None:
    public = Prober(Network(resolver, LOOPBACK, public_tls()), worker_id="worker-1")
    asked: list[str | None] = []
    server = authority.server("shop.test")
    server.sni_callback = lambda _, name, __: asked.append(name)
    async with target(nothing, server) as port:
        own = TlsSpec(host="127.0.0.1", port=port, ca_certificates=authority.pem, server_name="shop.test")
        strange = TlsSpec(host="127.0.0.1", port=port, ca_certificates=Authority(tmp_path).pem, server_name="shop.test")
        seen = [verdict(await run(public, spec)) for spec in (own, strange)]

    assert seen == [(Outcome.UP, None), (Outcome.DOWN, ErrorKind.TLS)]
    assert asked == ["shop.test"] * len(asked)


@pytest.mark.parametrize("of_its_own", [{}, {"skip_verify": True}, {"ca_certificates": True}])
async def test_no_protocol_is_asked_for_that_the_server_might_refuse(
    prober: Prober, authority: Authority, of_its_own: dict[str, Any]
) -> None:
    asked: list[str] = []
    if "ca_certificates" in of_its_own:
        of_its_own = {"ca_certificates": authority.pem}

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(65_536)
        asked.append("http/1.1" if b"http/1.1" in hello else "nothing")

    async with target(handler) as port:
        await run(prober, TlsSpec(host="localhost", port=port, **of_its_own))

    assert set(asked) == {"nothing"}  # rustls asks, then OpenSSL


async def test_an_older_version_of_tls_is_told(prober: Prober, authority: Authority) -> None:
    server = authority.server("localhost")
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    async with target(nothing, server) as port:
        seen = await run(prober, TlsSpec(host="localhost", port=port))

    assert (verdict(seen), seen.tls_version) == ((Outcome.UP, None), "1.2")


def answering(data: bytes, *, closes: bool = False, resets: bool = False) -> Handler:
    """Answers the client's hello with some bytes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(data)
        await writer.drain()
        if resets:
            reset(writer)
        elif closes:
            writer.close()

    return handler


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Records of a handshake without an end: a message of 16 MiB, and on."""
    writer.write(b"\x16\x03\x03\x40\x00\x0b\xff\xff\xff" + bytes(16_380))
    while True:
        writer.write(b"\x16\x03\x03\x40\x00" + bytes(16_384))
        await writer.drain()


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (answering(b"HTTP/1.1 400 plain\r\n\r\n"), ErrorKind.TLS),
        (answering(b"220 mail.acme.test\r\n"), ErrorKind.TLS),
        (answering(b"\x15\x03\x01\x00\x02\x02\x28"), ErrorKind.TLS),
        (answering(b"", closes=True), ErrorKind.TLS),
        (answering(b"\x16\x03\x03\x40\x00half", closes=True), ErrorKind.TLS),
        (answering(b"", resets=True), ErrorKind.TLS),
        (flood, ErrorKind.TLS),
        (answering(b"\x16\x03\x03\x40\x00half"), ErrorKind.TIMEOUT),
        (nothing, ErrorKind.TIMEOUT),
    ],
)
async def test_what_is_no_handshake_ends_with_the_right_kind_and_nothing_is_left_open(
    prober: Prober, deadlines: Deadlines, handler: Handler, kind: ErrorKind
) -> None:
    watched = Watched(handler)
    async with target(watched) as port:
        timeout_s = 0.3 if kind is ErrorKind.TIMEOUT else PLENTY_S
        seen = await run(prober, TlsSpec(host="localhost", port=port), timeout_s=timeout_s)
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert verdict(seen) == (Outcome.DOWN, kind)
    assert seen.connect_us is not None
    assert (seen.tls_us, seen.tls_version, seen.tls_not_after_us) == (None, None, None)
    assert (deadlines.set_s, deadlines.passed) == ([timeout_s], 1 if kind is ErrorKind.TIMEOUT else 0)
    assert deadlines.turns <= FEW_TURNS
