"""TLS: what is verified, what is told of it, and how it fails."""

import asyncio

import pytest

from services.common.outcome import ErrorKind, Outcome
from services.worker.probe import Prober
from tests.integration.worker.probing import probe, verdict
from tests.targets import Authority, Echo, target


async def test_tls_is_verified_and_its_certificates_end_is_told(prober: Prober, authority: Authority) -> None:
    async with target(Echo(), authority.server("localhost")) as port:
        seen = await probe(prober, f"https://localhost:{port}/")

    assert verdict(seen) == (Outcome.UP, None)
    assert seen.tls_us is not None
    assert seen.tls_not_after is not None


@pytest.mark.parametrize(
    ("host", "days", "self_signed", "said"),
    [
        ("localhost", -1, False, "expired"),
        ("localhost", 1, True, "self-signed certificate"),
        ("other.test", 1, False, "Hostname mismatch"),
    ],
)
async def test_a_certificate_that_is_not_valid_is_a_tls_error_that_says_why(
    prober: Prober, authority: Authority, host: str, days: float, self_signed: bool, said: str
) -> None:
    async with target(Echo(), authority.server(host, days=days, self_signed=self_signed)) as port:
        seen = await probe(prober, f"https://localhost:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TLS)
    assert said in seen.error_message.replace("self signed", "self-signed")
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
