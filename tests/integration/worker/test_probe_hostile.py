"""Targets that mean harm: each run ends by its deadline, with the right kind, in bounded memory (semantics.md §23)."""

import asyncio
import tracemalloc
from collections.abc import Callable

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.worker.probe import Prober
from tests.integration.worker.deadlines import FEW_TURNS, Deadlines
from tests.integration.worker.probing import PLENTY_S, probe, verdict
from tests.support.bombs import brotli_bomb, gzip_bomb, wrapped_in_gzip
from tests.support.targets import CHUNKED, Echo, Handler, dripping, reset, saying, target


async def test_endless_headers_are_too_large(prober: Prober) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: " + b"a" * 1000 + b"\r\n")
            await writer.drain()

    async with target(handler) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TOO_LARGE)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", CHUNKED])
async def test_an_endless_body_is_cut_off_in_silence_once_the_verdict_is_known(prober: Prober, head: bytes) -> None:
    piece = b"a" * 65536 if head is not CHUNKED else b"10000\r\n" + b"a" * 65536 + b"\r\n"

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    async with target(handler) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.UP, None)
    assert seen.body_bytes == 1024 * 1024
    assert seen.transfer_us is None


@pytest.mark.parametrize(
    ("pieces", "missing"),
    [((), "ttfb_us"), ((b"HTTP/1.1 200 OK\r\n",), "transfer_us"), ((b"HTTP/1.1 200 OK\r\n\r\nab",), "transfer_us")],
)
async def test_silence_ends_at_the_deadline_with_the_phases_that_were_reached(
    prober: Prober, deadlines: Deadlines, pieces: tuple[bytes, ...], missing: str
) -> None:
    async with target(saying(*pieces, then_wait=True)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", timeout_s=0.2)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TIMEOUT)
    assert seen.connect_us is not None
    assert getattr(seen, missing) is None
    assert (deadlines.set_s, deadlines.passed) == ([0.2], 1)
    assert deadlines.turns <= FEW_TURNS


async def test_a_line_break_in_a_header_never_reaches_the_wire(prober: Prober) -> None:
    echo = Echo()
    async with target(echo) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", headers=(("x", "a\r\nevil: 1"),))

    assert seen.outcome is Outcome.DOWN
    assert echo.requests == []


MIB = 1024 * 1024


def flood(start: bytes, piece: bytes) -> Handler:
    """A start, then the same for ever, as fast as it goes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()

    return handler


@pytest.mark.parametrize(
    ("start", "piece", "status"),
    [
        (b"", b"H", None),
        (b"HTTP/1.1 200 OK\r\n", b"x", None),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", b"a", 200),
        (CHUNKED, b"1\r\na\r\n", 200),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a", 200),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", None),
    ],
)
async def test_an_answer_that_drips_ends_at_the_deadline(
    prober: Prober, deadlines: Deadlines, start: bytes, piece: bytes, status: int | None
) -> None:
    # An answer that begins with nonsense is known to be none before the deadline.
    timeout_s = PLENTY_S if piece == b"H" else 0.2
    async with target(dripping(start, piece)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", timeout_s=timeout_s)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL if piece == b"H" else ErrorKind.TIMEOUT)
    assert seen.status_code == status
    assert (deadlines.set_s, deadlines.passed) == ([timeout_s], 0 if piece == b"H" else 1)
    assert deadlines.turns <= FEW_TURNS


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200", None),
        (b"HTTP/1.1 200 OK\r\n", None),
        (b"HTTP/1.1 100 Continue\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab", 200),
        (CHUNKED + b"2\r\nab\r\n", 200),
        (CHUNKED + b"0\r\n", 200),
    ],
)
@pytest.mark.parametrize("resets", [False, True])
async def test_a_connection_that_ends_early_is_a_protocol_error(
    prober: Prober, answer: bytes, status: int | None, resets: bool
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if resets:
            reset(writer)

    async with target(handler) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL)
    if not resets:  # a reset may overtake what came before it
        assert seen.status_code == status


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED + b"-1\r\n",
        CHUNKED + b"ffffffffffffffffff\r\n",
        CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1x\r\n\r\na",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\x00b\r\n\r\n",
    ],
)
async def test_what_breaks_the_rules_of_http_is_a_protocol_error(prober: Prober, answer: bytes) -> None:
    async with target(saying(answer, then_wait=True)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", timeout_s=2)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL)


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [
        (b"gzip", gzip_bomb),
        (b"br", brotli_bomb),
        (b"br, gzip", lambda: wrapped_in_gzip(brotli_bomb())),
    ],
)
async def test_a_bomb_of_a_gigabyte_is_too_large_and_costs_a_few_megabytes(
    prober: Prober, coding: bytes, bomb: Callable[[], bytes]
) -> None:
    body = bomb()
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n" % (coding, len(body))
    pieces = [head, *(body[at : at + 65_536] for at in range(0, len(body), 65_536))]
    async with target(saying(*pieces)) as port:
        await probe(prober, f"http://127.0.0.1:{port}/")  # what is made once is made
        tracemalloc.start()
        try:
            seen = await probe(prober, f"http://127.0.0.1:{port}/", body_contains="never there")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TOO_LARGE)
    assert peak < 5 * MIB  # the target's own buffers among them


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x-more: " + b"a" * 1_000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"a" * 65_536),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65_536),
        (CHUNKED, b"1;" + b"e" * 10_000 + b"\r\na\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", wrapped_in_gzip(b"")),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
async def test_a_flood_costs_bounded_memory_and_ends_before_the_deadline(
    prober: Prober, start: bytes, piece: bytes
) -> None:
    async with target(flood(start, piece)) as port:
        tracemalloc.start()
        try:
            seen = await probe(prober, f"http://127.0.0.1:{port}/", body_contains="never there")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert seen.outcome is Outcome.DOWN
    assert seen.error_kind in {ErrorKind.TOO_LARGE, ErrorKind.PROTOCOL}
    assert peak < 5 * MIB


async def test_hostile_targets_do_not_touch_the_probes_beside_them(prober: Prober, deadlines: Deadlines) -> None:
    bomb = brotli_bomb()
    bombs = saying(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: %d\r\n\r\n" % len(bomb) + bomb, then_wait=True
    )
    async with (
        target(dripping(b"HTTP/1.1 200 OK\r\n", b"x")) as slow,
        target(dripping(CHUNKED, b"1\r\na\r\n")) as slow_body,
        target(bombs) as bombing,
        target(saying(then_wait=True)) as silent,
        target(Echo()) as good,
    ):
        hostile = [
            asyncio.create_task(probe(prober, f"http://127.0.0.1:{port}/", timeout_s=1, body_contains="never there"))
            for port in (slow, slow_body, bombing, silent) * 25
        ]
        beside = [await probe(prober, f"http://127.0.0.1:{good}/") for _ in range(100)]
        ended = await asyncio.gather(*hostile)

    assert {verdict(seen) for seen in beside} == {(Outcome.UP, None)}
    assert {verdict(seen) for seen in ended} == {
        (Outcome.DOWN, ErrorKind.TIMEOUT),
        (Outcome.DOWN, ErrorKind.TOO_LARGE),
    }
    assert len(deadlines.set_s) == 200
    assert deadlines.passed == sum(seen.error_kind is ErrorKind.TIMEOUT for seen in ended)
    assert deadlines.turns <= FEW_TURNS
