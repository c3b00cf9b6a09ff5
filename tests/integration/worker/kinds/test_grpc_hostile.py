"""gRPC checks against servers that speak something else, break off and flood: the right kind, nothing left open."""

import asyncio
import tracemalloc

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.grpc import GrpcSpec
from services.wire.tls import HTTP_2
from services.worker.probe import Prober
from tests.integration.worker.probing import run, verdict
from tests.support.http2 import (
    DATA,
    GOOD,
    GRPC,
    HEADERS,
    HELLO,
    PING,
    RST_STREAM,
    answer,
    frame,
    headers,
    message,
    prefixed,
)
from tests.support.patience import PATIENCE_S
from tests.support.targets import Authority, Handler, Watched, reset, saying, target

UP = (Outcome.UP, None)
PROTOCOL = (Outcome.DOWN, ErrorKind.PROTOCOL)
STATUS = (Outcome.DOWN, ErrorKind.STATUS)
TOO_LARGE = (Outcome.DOWN, ErrorKind.TOO_LARGE)
NEVER_ENDING = frame(HEADERS, b"\x88") + frame(9, b"\0\1x\1y") * 8


def telling(said: bytes) -> Handler:
    """Says something as soon as bytes come."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(said)
        await writer.drain()

    return handler


def endless(begin: bytes, again: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begin)
        while True:
            writer.write(again)
            await writer.drain()

    return handler


@pytest.mark.parametrize(
    ("said", "ended", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", PROTOCOL, "does not speak HTTP/2"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", PROTOCOL, "does not speak HTTP/2"),
        (b"\xff" * 4_096, PROTOCOL, "does not speak HTTP/2"),
        (HELLO + frame(RST_STREAM, b"\0\0\0\x0d"), PROTOCOL, "HTTP_1_1_REQUIRED"),
        (HELLO + frame(7, bytes(8), stream=0), PROTOCOL, "GOAWAY"),
        (HELLO + b"\x10\0\0" + frame(DATA)[3:], PROTOCOL, "larger than the maximum frame size"),
        (HELLO + headers(*GRPC, status="502", end=True), STATUS, "HTTP status 502"),
        (answer(b"<html>", content_type="text/html"), PROTOCOL, "content type text/html"),
        (HELLO + headers(*GRPC, end=True), PROTOCOL, "no gRPC status"),
        (answer(prefixed(b"\x08\x01", compressed=1)), PROTOCOL, "compressed"),
        (answer(b"\0\0\0\0\x02\xff\xff"), PROTOCOL, "not a HealthCheckResponse"),
        (answer(message(2)), STATUS, "NOT_SERVING"),
        (answer(message(), grpc_status="14"), STATUS, "UNAVAILABLE"),
    ],
)
async def test_what_is_not_the_answer_says_what_it_is(
    prober: Prober, said: bytes, ended: tuple[Outcome, ErrorKind], words: str
) -> None:
    watched = Watched(telling(said))
    async with target(watched) as port:
        seen = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}"))
        await asyncio.wait_for(watched.gone.wait(), PATIENCE_S)

    assert verdict(seen) == ended
    assert words in seen.error_message


@pytest.mark.parametrize("said", [b"", HELLO, GOOD[:-1]])
@pytest.mark.parametrize("resets", [False, True])
async def test_a_server_that_breaks_off_is_a_protocol_error(prober: Prober, said: bytes, resets: bool) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        if resets:
            reset(writer)

    async with target(handler) as port:
        seen = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}"))

    assert verdict(seen) == PROTOCOL
    assert "connection lost" in seen.error_message


@pytest.mark.parametrize(
    ("begin", "again", "ended"),
    [
        (HELLO, NEVER_ENDING[10:], PROTOCOL),  # CONTINUATION frame without HEADERS
        (HELLO + frame(HEADERS, b"\x88"), frame(9, b"\0\1x\1y" * 3_000), TOO_LARGE),
        (HELLO + headers(*GRPC), frame(DATA, bytes(16_000)), TOO_LARGE),
        (HELLO, frame(PING, bytes(8), stream=0) * 100, TOO_LARGE),
        (HELLO, HELLO * 100, TOO_LARGE),
        (HELLO, headers(status="103") * 100, TOO_LARGE),
    ],
)
async def test_what_has_no_end_is_cut_off_in_little_memory(
    prober: Prober, begin: bytes, again: bytes, ended: tuple[Outcome, ErrorKind]
) -> None:
    watched = Watched(endless(begin, again))
    async with target(watched) as port:
        await run(prober, GrpcSpec(address=f"127.0.0.1:{port}"))
        tracemalloc.start()
        try:
            seen = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        await asyncio.wait_for(watched.gone.wait(), PATIENCE_S)

    assert verdict(seen) == ended
    # The server's own part, in the same process, is in it.
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize(
    ("said", "waited_for"),
    [
        (b"", "while waiting for the response"),
        (HELLO, "while waiting for the response"),
        (HELLO + headers(*GRPC), "while reading the response"),
        (HELLO + headers(*GRPC) + frame(DATA, b"\0"), "while reading the response"),
    ],
)
async def test_silence_ends_at_the_deadline_and_the_connection_is_closed(
    prober: Prober, said: bytes, waited_for: str
) -> None:
    watched = Watched(telling(said))
    async with target(watched) as port:
        seen = await run(prober, GrpcSpec(address=f"127.0.0.1:{port}"), timeout_s=0.3)
        await asyncio.wait_for(watched.gone.wait(), PATIENCE_S)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TIMEOUT)
    assert seen.error_message.endswith(waited_for)


@pytest.mark.parametrize("offered", [None, ["http/1.1"]])
async def test_under_tls_a_server_has_to_agree_to_http_2(
    prober: Prober, authority: Authority, offered: list[str] | None
) -> None:
    context = authority.server("localhost")
    if offered:
        context.set_alpn_protocols(offered)
    async with target(saying(GOOD), context) as port:
        seen = await run(prober, GrpcSpec(address=f"localhost:{port}", tls=True))

    assert verdict(seen) == PROTOCOL
    assert "ALPN h2" in seen.error_message
    assert seen.tls_us is not None


async def test_a_plain_server_under_tls_and_a_tls_server_in_plain(prober: Prober, authority: Authority) -> None:
    async with target(telling(GOOD)) as port:
        secure = await run(prober, GrpcSpec(address=f"localhost:{port}", tls=True))
    context = authority.server("localhost")
    context.set_alpn_protocols([HTTP_2])
    async with target(saying(GOOD), context) as port:
        plain = await run(prober, GrpcSpec(address=f"localhost:{port}"))
        good = await run(prober, GrpcSpec(address=f"localhost:{port}", tls=True))

    assert verdict(secure) == (Outcome.DOWN, ErrorKind.TLS)
    assert verdict(plain) == PROTOCOL
    assert verdict(good) == UP
