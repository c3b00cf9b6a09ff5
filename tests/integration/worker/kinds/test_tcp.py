"""TCP checks against real servers, good and hostile: the right verdict, honest phases, nothing left open."""

import asyncio
import socket
import tracemalloc

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.tcp import TcpSpec
from services.worker.kinds.tcp import LARGEST_ANSWER
from services.worker.probe import Prober
from tests.integration.worker.deadlines import FEW_TURNS, Deadlines
from tests.integration.worker.probing import PLENTY_S, run, verdict
from tests.support.targets import Handler, Watched, reset, target

MIB = 1024 * 1024


def banner(*pieces: bytes) -> Handler:
    """Says something at once, in pieces, and then nothing."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return handler


def closing(*pieces: bytes, resets: bool = False) -> Handler:
    """Says something at once, and hangs up."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await banner(*pieces)(reader, writer)
        if resets:
            reset(writer)
        else:
            writer.close()

    return handler


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A banner without an end."""
    while True:
        writer.write(b"welcome " * 8_192)
        await writer.drain()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same, a byte at a time."""
    while True:
        writer.write(b"w")
        await writer.drain()
        await asyncio.sleep(0.01)


async def test_a_connection_is_up_and_nothing_is_read(prober: Prober) -> None:
    watched = Watched(banner(b"220 hello\r\n"))
    async with target(watched) as port:
        seen = await run(prober, TcpSpec("localhost", port))
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert verdict(seen) == (Outcome.UP, None)
    assert None not in (seen.dns_us, seen.connect_us)
    assert (seen.tls_us, seen.ttfb_us, seen.transfer_us, seen.body_bytes) == (None, None, None, None)


async def test_what_is_sent_reaches_the_server_though_no_answer_is_expected(prober: Prober) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(await reader.read())

    async with target(handler) as port:
        seen = await run(prober, TcpSpec("127.0.0.1", port, send="PING ü\r\n"))
        said = await asyncio.wait_for(heard.get(), PLENTY_S)

    assert (verdict(seen), said) == ((Outcome.UP, None), "PING ü\r\n".encode())


async def test_an_expected_answer_is_up_with_its_phases(prober: Prober) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"PING\r\n"
        writer.write(b"+PONG\r\n")

    watched = Watched(handler)
    phases: list[str] = []
    async with target(watched) as port:
        seen = await run(
            prober,
            TcpSpec("localhost", port, send="PING\r\n", expect="+PONG"),
            timeout_s=PLENTY_S,
            on_phase=lambda phase, _: phases.append(phase),
        )
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert (verdict(seen), seen.body_bytes) == ((Outcome.UP, None), 7)
    assert phases == ["dns", "connect", "ttfb", "transfer"]
    assert None not in (seen.connect_us, seen.ttfb_us, seen.transfer_us)


async def test_a_text_is_found_in_whatever_pieces_it_comes(prober: Prober) -> None:
    said = "220 größer ready\r\n".encode()
    async with target(banner(*(bytes([byte]) for byte in said))) as port:
        seen = await run(prober, TcpSpec("127.0.0.1", port, expect="größer re"))

    assert verdict(seen) == (Outcome.UP, None)


@pytest.mark.parametrize(("before", "kind"), [(0, None), (1, ErrorKind.ASSERTION)])
async def test_a_text_counts_as_far_as_64_kib_reach(prober: Prober, before: int, kind: ErrorKind | None) -> None:
    said = b"x" * (LARGEST_ANSWER - 5 + before) + b"ready and more"
    async with target(banner(said)) as port:
        seen = await run(prober, TcpSpec("127.0.0.1", port, expect="ready"))

    assert (seen.error_kind, seen.body_bytes) == (kind, LARGEST_ANSWER)


@pytest.mark.parametrize(
    ("handler", "kind", "said", "ttfb"),
    [
        (closing(), ErrorKind.ASSERTION, "without a response", False),
        (closing(b"421 busy\r\n"), ErrorKind.ASSERTION, "does not contain the expected text", True),
        (closing(b"read"), ErrorKind.ASSERTION, "does not contain the expected text", True),
        (flood, ErrorKind.ASSERTION, "64 KiB", True),
        (closing(resets=True), ErrorKind.PROTOCOL, "connection lost", False),
        (banner(), ErrorKind.TIMEOUT, "while waiting for the response", False),
        (banner(b"read"), ErrorKind.TIMEOUT, "while reading the response", True),
        (drip, ErrorKind.TIMEOUT, "while reading the response", True),
    ],
)
async def test_an_answer_that_never_is_the_expected_one_says_how_far_it_came(
    prober: Prober, deadlines: Deadlines, handler: Handler, kind: ErrorKind, said: str, ttfb: bool
) -> None:
    watched = Watched(handler)
    async with target(watched) as port:
        timeout_s = 0.3 if kind is ErrorKind.TIMEOUT else PLENTY_S
        seen = await run(prober, TcpSpec("127.0.0.1", port, expect="ready"), timeout_s=timeout_s)
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert verdict(seen) == (Outcome.DOWN, kind)
    assert said in seen.error_message
    assert "ready" not in seen.error_message
    assert (seen.connect_us is not None, seen.ttfb_us is not None, seen.transfer_us) == (True, ttfb, None)
    assert (deadlines.set_s, deadlines.passed) == ([timeout_s], 1 if kind is ErrorKind.TIMEOUT else 0)
    assert deadlines.turns <= FEW_TURNS


async def test_an_endless_banner_costs_bounded_memory(prober: Prober) -> None:
    async with target(flood) as port:
        spec = TcpSpec("127.0.0.1", port, expect="never there")
        await run(prober, spec)  # what is made once is made
        tracemalloc.start()
        try:
            seen = await run(prober, spec)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (seen.error_kind, seen.body_bytes) == (ErrorKind.ASSERTION, LARGEST_ANSWER)
    assert peak < MIB


async def test_a_closed_port_is_refused(prober: Prober) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        seen = await run(prober, TcpSpec("127.0.0.1", closed.getsockname()[1]))

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.CONNECT_REFUSED)
    assert seen.connect_us is None


async def test_names_and_addresses_go_the_way_of_every_kind(prober: Prober) -> None:
    nowhere = await run(prober, TcpSpec("Bücher.invalid", 80))
    inner = [await run(prober, TcpSpec(host, 80)) for host in ("10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1")]

    assert verdict(nowhere) == (Outcome.DOWN, ErrorKind.DNS)
    assert {verdict(each) for each in inner} == {(Outcome.ERROR, ErrorKind.BLOCKED_TARGET)}
