"""One run against real sockets: the right outcome, kind and phases; hostile targets end at the deadline."""

import asyncio
import socket
from typing import Any

import pytest

from services.common.outcome import ErrorKind, Outcome
from services.common.spec import HttpSpec
from services.worker.egress import EgressPolicy
from services.worker.probe import Observation, Prober
from services.worker.resolver import Resolver
from services.worker.transport import ProbeTransport
from tests.targets import OK, Authority, Echo, saying, target

PLENTY_S = 5.0
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def probe(prober: Prober, url: str, *, timeout_s: float = PLENTY_S, retries: int = 0, **spec: Any) -> Observation:
    return await prober.run(HttpSpec(url, **spec), timeout_s=timeout_s, retries=retries)


def verdict(seen: Observation) -> tuple[Outcome, ErrorKind | None]:
    return seen.outcome, seen.error_kind


async def test_an_answer_is_up_with_each_phase_that_was_reached(prober: Prober) -> None:
    phases: list[str] = []
    async with target(Echo()) as port:
        seen = await prober.run(
            HttpSpec(f"http://localhost:{port}/"),
            timeout_s=PLENTY_S,
            retries=0,
            on_phase=lambda phase, _: phases.append(phase),
        )

    assert verdict(seen) == (Outcome.UP, None)
    assert phases == ["dns", "connect", "ttfb", "transfer"]
    assert None not in (seen.dns_us, seen.connect_us, seen.ttfb_us, seen.transfer_us)
    assert seen.tls_us is None
    assert (seen.status_code, seen.body_bytes, seen.http_version, seen.attempt) == (200, 2, "1.1", 1)
    assert seen.resolved_ip in {"127.0.0.1", "::1"}
    parts = [seen.dns_us, seen.connect_us, seen.ttfb_us, seen.transfer_us]
    assert seen.total_us >= sum(part for part in parts if part is not None)


async def test_a_literal_address_has_no_dns_phase(prober: Prober) -> None:
    async with target(Echo()) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.UP, None)
    assert seen.dns_us is None


async def test_the_request_goes_out_as_the_check_says(prober: Prober) -> None:
    echo = Echo()
    async with target(echo) as port:
        await probe(
            prober,
            f"http://127.0.0.1:{port}/a%20b?c=d#e",
            method="POST",
            headers=(("x-token", "t"), ("user-agent", "mine")),
            body=b"hello",
        )

    head, _, body = echo.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /a%20b?c=d HTTP/1.1"
    lowered = {line.lower() for line in lines[1:]}
    assert {b"x-token: t", b"user-agent: mine", b"content-length: 5", b"connection: close"} <= lowered
    assert f"host: 127.0.0.1:{port}".encode() in lowered
    assert body == b"hello"


@pytest.mark.parametrize(
    ("answer", "body_bytes"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 0),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 13),
        (CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\ntrailer: t\r\n\r\n", 5),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, 2),
        (OK + b"bytes behind the end", 2),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", 0),
    ],
)
async def test_answers_end_where_http_says_they_end(prober: Prober, answer: bytes, body_bytes: int) -> None:
    async with target(saying(answer)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.UP, None)
    assert seen.body_bytes == body_bytes


async def test_the_answer_to_head_has_no_body_whatever_its_length_says(prober: Prober) -> None:
    async with target(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", then_wait=True)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", method="HEAD")

    assert verdict(seen) == (Outcome.UP, None)


async def test_an_answer_in_single_bytes_is_read(prober: Prober) -> None:
    async with target(saying(*(bytes([byte]) for byte in OK))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.UP, None)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        CHUNKED + b"3\r\nab",
        CHUNKED + b"zz\r\nabc\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"\x00" * 500,
    ],
)
async def test_what_is_not_a_complete_http_answer_is_a_protocol_error(prober: Prober, answer: bytes) -> None:
    async with target(saying(answer)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL)
    assert seen.error_message


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
    prober: Prober, pieces: tuple[bytes, ...], missing: str
) -> None:
    async with target(saying(*pieces, then_wait=True)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", timeout_s=0.2)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TIMEOUT)
    assert seen.connect_us is not None
    assert getattr(seen, missing) is None
    assert 190_000 <= seen.total_us < 1_000_000


async def test_a_closed_port_is_refused(prober: Prober) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        seen = await probe(prober, f"http://127.0.0.1:{closed.getsockname()[1]}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.CONNECT_REFUSED)
    assert (seen.connect_us, seen.ttfb_us, seen.status_code) == (None, None, None)


async def test_a_port_that_takes_no_connection_times_out_in_connect(prober: Prober) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        try:
            for each in waiting:  # fills the queue that nobody accepts from
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", port))
            seen = await probe(prober, f"http://127.0.0.1:{port}/", timeout_s=0.2)
        finally:
            for each in waiting:
                each.close()

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.CONNECT_TIMEOUT)
    assert (seen.connect_us, seen.resolved_ip) == (None, "127.0.0.1")


async def test_a_name_without_an_address_is_a_dns_error(prober: Prober) -> None:
    seen = await probe(prober, "http://no-such-host.invalid/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.DNS)
    assert seen.resolved_ip is None


async def test_a_status_that_is_not_expected_is_down(prober: Prober) -> None:
    async with target(Echo(b"HTTP/1.1 503 Sorry\r\ncontent-length: 0\r\n\r\n")) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.STATUS)
    assert (seen.status_code, seen.error_message) == (503, "status 503, expected 200 to 299")


async def test_retries_are_quick_attempts_inside_the_run(prober: Prober) -> None:
    answers = iter([b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", OK])

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers))
        await writer.drain()

    async with target(handler) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", retries=1)

    assert verdict(seen) == (Outcome.UP, None)
    assert seen.attempt == 2


# TLS


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


# Redirects and the egress guard


def moved(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()


async def test_redirects_are_followed_and_counted(prober: Prober) -> None:
    echo = Echo()
    async with target(echo) as end, target(Echo(moved(f"http://127.0.0.1:{end}/end"))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", headers=(("authorization", "secret"),))

    assert verdict(seen) == (Outcome.UP, None)
    assert seen.redirects == 1
    assert b"secret" not in echo.requests[0]


async def test_a_redirect_is_an_answer_like_another_when_it_is_not_followed(prober: Prober) -> None:
    async with target(Echo(moved("http://127.0.0.1:1/"))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", follow_redirects=False, expected_statuses=(302,))

    assert verdict(seen) == (Outcome.UP, None)


async def test_a_redirect_loop_ends_after_five(prober: Prober) -> None:
    loop = Echo(moved("/again"))
    async with target(loop) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TOO_MANY_REDIRECTS)
    assert len(loop.requests) == 6


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest/meta-data", "http://[::ffff:127.0.0.1]/", "http://10.0.0.1/", "http://0.0.0.0/"],
)
async def test_a_redirect_to_an_inner_address_is_blocked(prober: Prober, location: str) -> None:
    async with target(Echo(moved(location))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.BLOCKED_TARGET)
    assert seen.resolved_ip is None


async def test_loopback_is_blocked_unless_it_is_allowed_and_nothing_is_dialled(resolver: Resolver) -> None:
    echo = Echo()
    async with target(echo) as port:
        for host in ("localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1"):
            seen = await probe(Prober(ProbeTransport(resolver, EgressPolicy())), f"http://{host}:{port}/", retries=3)
            assert seen.error_kind in {ErrorKind.BLOCKED_TARGET, ErrorKind.DNS}, host
            assert (seen.outcome, seen.resolved_ip) == (Outcome.DOWN, None)

    assert echo.requests == []


async def test_a_line_break_in_a_header_never_reaches_the_wire(prober: Prober) -> None:
    echo = Echo()
    async with target(echo) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", headers=(("x", "a\r\nevil: 1"),))

    assert seen.outcome is Outcome.DOWN
    assert echo.requests == []


async def test_cancelling_a_run_is_not_an_observation(prober: Prober) -> None:
    async with target(saying(then_wait=True)) as port:
        run = asyncio.create_task(probe(prober, f"http://127.0.0.1:{port}/"))
        await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
