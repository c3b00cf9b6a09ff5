"""One run against real sockets: the right outcome, kind and phases."""

import asyncio
import socket

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.http import HttpSpec
from services.worker.probe import Prober
from tests.integration.worker.probing import PLENTY_S, probe, run, verdict
from tests.support.targets import CHUNKED, OK, Echo, saying, target


async def test_an_answer_is_up_with_each_phase_that_was_reached(prober: Prober) -> None:
    phases: list[str] = []
    async with target(Echo()) as port:
        seen = await run(
            prober,
            HttpSpec(url=f"http://localhost:{port}/"),
            timeout_s=PLENTY_S,
            on_phase=lambda phase, _: phases.append(phase),
        )

    assert verdict(seen) == (Outcome.UP, None)
    assert phases == ["dns", "connect", "ttfb", "transfer"]
    assert None not in (seen.dns_us, seen.connect_us, seen.ttfb_us, seen.transfer_us)
    assert seen.tls_us is None
    assert (seen.status_code, seen.body_bytes, seen.http_version, seen.attempt) == (200, 2, "1.1", 1)
    assert seen.resolved_ip in {"127.0.0.1", "::1"}
    parts = [seen.dns_us, seen.connect_us, seen.ttfb_us, seen.transfer_us]
    assert seen.total_us is not None
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
        b"\x00" * 500,
    ],
)
async def test_what_is_not_a_complete_http_answer_is_a_protocol_error(prober: Prober, answer: bytes) -> None:
    async with target(saying(answer)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL)
    assert seen.error_message


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


async def test_cancelling_a_run_is_not_an_observation(prober: Prober) -> None:
    async with target(saying(then_wait=True)) as port:
        run = asyncio.create_task(probe(prober, f"http://127.0.0.1:{port}/"))
        await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
