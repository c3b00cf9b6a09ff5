"""TLS checks that begin in plain, against mail servers that speak well, badly or for somebody else."""

import asyncio
import tracemalloc

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.tls import StartTls, TlsSpec
from services.worker.probe import Prober
from tests.integration.worker.deadlines import FEW_TURNS, Deadlines
from tests.integration.worker.probing import PLENTY_S, run, verdict
from tests.support.mail import IMAP, SMTP, Script, following
from tests.support.targets import Authority, Handler, Watched, target

SCRIPTS = {StartTls.SMTP: SMTP, StartTls.IMAP: IMAP}


@pytest.mark.parametrize("in_bytes", [False, True])
@pytest.mark.parametrize("protocol", StartTls)
async def test_hands_are_shaken_behind_the_dialogue(
    prober: Prober, authority: Authority, protocol: StartTls, in_bytes: bool
) -> None:
    watched = Watched(following(SCRIPTS[protocol], authority.server("localhost", days=9.5), in_bytes=in_bytes))
    async with target(watched) as port:
        good = await run(prober, TlsSpec(host="localhost", port=port, start_tls=protocol, min_days_left=9))
        short = await run(prober, TlsSpec(host="localhost", port=port, start_tls=protocol, min_days_left=10))
        stranger = await run(prober, TlsSpec(host="localhost", port=port, start_tls=protocol, server_name="other.test"))
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert verdict(good) == (Outcome.UP, None)
    assert None not in (good.connect_us, good.tls_us, good.tls_not_after_us)
    assert (good.tls_version, good.ttfb_us) == ("1.3", None)
    assert [verdict(each) for each in (short, stranger)] == [(Outcome.DOWN, ErrorKind.TLS)] * 2
    assert "9 days" in short.error_message
    assert "host name mismatch" in stranger.error_message


@pytest.mark.parametrize(
    ("protocol", "script", "kind", "said"),
    [
        (StartTls.SMTP, [(b"", b"554 go away\r\n")], ErrorKind.PROTOCOL, "rejected the connection with 554"),
        (StartTls.SMTP, [(b"", b"SSH-2.0-OpenSSH_9.2\r\n")], ErrorKind.PROTOCOL, "does not speak SMTP"),
        (StartTls.SMTP, [(b"", b"220 a\r\n"), (b"EHLO", b"502 no\r\n")], ErrorKind.PROTOCOL, "rejected EHLO with 502"),
        (StartTls.SMTP, [(b"", b"220 a\r\n"), (b"EHLO", b"250-a\r\n250 HELP\r\n")], ErrorKind.TLS, "does not offer"),
        (StartTls.SMTP, [*SMTP[:2], (b"STARTTLS", b"454 not now\r\n")], ErrorKind.TLS, "rejected STARTTLS with 454"),
        (StartTls.SMTP, [*SMTP[:2], (b"STARTTLS", b"\x16\x03\x03\x00\n")], ErrorKind.PROTOCOL, "does not speak SMTP"),
        (StartTls.IMAP, [(b"", b"* BYE\r\n")], ErrorKind.PROTOCOL, "rejected the connection"),
        (StartTls.IMAP, [(b"", b"* PREAUTH hello you\r\n")], ErrorKind.TLS, "already authenticated"),
        (StartTls.IMAP, [(b"", b"220 mail\r\n")], ErrorKind.PROTOCOL, "does not speak IMAP"),
        (StartTls.IMAP, [IMAP[0], (b"s1", b"s1 NO\r\n")], ErrorKind.TLS, "rejected STARTTLS"),
        (StartTls.IMAP, [IMAP[0], (b"s1", b"s1 BAD what\r\n")], ErrorKind.TLS, "rejected STARTTLS"),
        (StartTls.IMAP, [IMAP[0], (b"s1", b"s2 OK\r\n")], ErrorKind.PROTOCOL, "does not speak IMAP"),
    ],
)
async def test_a_dialogue_that_does_not_come_to_tls_says_where_it_ended(
    prober: Prober, protocol: StartTls, script: Script, kind: ErrorKind, said: str
) -> None:
    watched = Watched(following(script))
    async with target(watched) as port:
        seen = await run(prober, TlsSpec(host="localhost", port=port, start_tls=protocol))
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert verdict(seen) == (Outcome.DOWN, kind)
    assert said in seen.error_message
    assert seen.tls_us is None


def behind(script: Script, more: bytes) -> Script:
    """The same, with something right behind the last word in plain."""
    *before, (awaited, said) = script
    return [*before, (awaited, said + more)]


@pytest.mark.parametrize(
    "more", [b"250 all is well\r\n", b"* CAPABILITY IMAP4rev2 AUTH=PLAIN\r\n", b"\x16\x03\x03\x00", b"x"]
)
@pytest.mark.parametrize("protocol", StartTls)
async def test_what_is_sent_in_plain_behind_the_go_ahead_is_taken_neither_as_tls_nor_as_an_answer(
    prober: Prober, authority: Authority, protocol: StartTls, more: bytes
) -> None:
    watched = Watched(following(behind(SCRIPTS[protocol], more), authority.server("localhost")))
    async with target(watched) as port:
        seen = await run(prober, TlsSpec(host="localhost", port=port, start_tls=protocol))
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL)
    assert "plaintext data after" in seen.error_message
    assert seen.tls_us is None


def then_plain(script: Script, more: bytes) -> Handler:
    """Follows a script; answers the client's hello with something in plain."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await following(script)(reader, writer)
        assert await reader.read(1) == b"\x16"
        writer.write(more)

    return handler


@pytest.mark.parametrize("protocol", StartTls)
async def test_plain_text_in_the_place_of_a_handshake_is_a_tls_error(prober: Prober, protocol: StartTls) -> None:
    watched = Watched(then_plain(SCRIPTS[protocol], b"250 all is well\r\n"))
    async with target(watched) as port:
        seen = await run(prober, TlsSpec(host="localhost", port=port, start_tls=protocol))
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TLS)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("protocol", StartTls)
async def test_silence_and_hanging_up_end_with_the_right_kind_at_each_step(
    prober: Prober, deadlines: Deadlines, protocol: StartTls, closes: bool, steps: int
) -> None:
    script = SCRIPTS[protocol][:steps]
    over = len(script) == len(SCRIPTS[protocol])

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await following(script)(reader, writer)
        await reader.read(1) if script else None
        if closes:
            writer.close()

    watched = Watched(handler)
    async with target(watched) as port:
        timeout_s = PLENTY_S if closes else 0.2
        seen = await run(prober, TlsSpec(host="localhost", port=port, start_tls=protocol), timeout_s=timeout_s)
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    if closes:
        assert verdict(seen) == (Outcome.DOWN, ErrorKind.TLS if over else ErrorKind.PROTOCOL)
    else:
        assert verdict(seen) == (Outcome.DOWN, ErrorKind.TIMEOUT)
        assert ("during the TLS handshake" if over else "while waiting for the response") in seen.error_message
    assert (deadlines.set_s, deadlines.passed) == ([timeout_s], 0 if closes else 1)
    assert deadlines.turns <= FEW_TURNS


@pytest.mark.parametrize(
    ("protocol", "piece"),
    [
        (StartTls.SMTP, b"220-and on\r\n" * 1_000),
        (StartTls.SMTP, b"2" * 65_536),
        (StartTls.IMAP, b"* OK " + b"a" * 65_536),
    ],
)
async def test_a_dialogue_without_an_end_is_cut_off_in_bounded_memory(
    prober: Prober, protocol: StartTls, piece: bytes
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(piece)
            await writer.drain()

    watched = Watched(handler)
    async with target(watched) as port:
        spec = TlsSpec(host="127.0.0.1", port=port, start_tls=protocol)
        await run(prober, spec)  # what is made once is made
        tracemalloc.start()
        try:
            seen = await run(prober, spec)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        await asyncio.wait_for(watched.gone.wait(), PLENTY_S)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TOO_LARGE)
    assert peak < 1024 * 1024
