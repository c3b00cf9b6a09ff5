"""Further attempts of a run: with a pause that doubles, within the timeout, each one reported (semantics.md §10)."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from services.checks.failed_attempt import FailedAttempt
from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.checks.specs.assertions import JsonPathIs
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import HttpAuth
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.worker.probe import Prober, pause_before
from tests.integration.worker.conftest import LOOPBACK
from tests.integration.worker.deadlines import Deadlines
from tests.integration.worker.probing import PLENTY_S, run, verdict
from tests.support.name_server import NameServer, serving
from tests.support.ports import held_port
from tests.support.public_tls import public_tls
from tests.support.targets import OK, Echo, Handler, target

NO = b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"
UP = (Outcome.UP, None)
FAR_TOO_LONG_S = 60.0


async def run_at(prober: Prober, url: str, retries: int, delay_s: float, timeout_s: float = PLENTY_S) -> Result:
    return await run(prober, HttpSpec(url=url), timeout_s=timeout_s, retries=retries, retry_delay_s=delay_s)


def answering(answers: Iterator[bytes], came_s: list[float] | None = None) -> Handler:
    """A target that gives one answer after the other, and notes when it was asked."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if came_s is not None:
            came_s.append(asyncio.get_running_loop().time())
        writer.write(next(answers))
        await writer.drain()
        writer.close()

    return handler


async def test_each_pause_is_twice_as_long_as_the_one_before_and_counts_for_no_figure(prober: Prober) -> None:
    came_s: list[float] = []
    async with target(answering(iter([NO, NO, NO, OK]), came_s)) as port:
        seen = await run_at(prober, f"http://127.0.0.1:{port}/", 3, 0.1)

    pauses = [later - before for before, later in pairwise(came_s)]
    assert (verdict(seen), seen.attempt, seen.skipped_attempts) == (UP, 4, 0)
    assert seen.failed_attempts == (FailedAttempt(ErrorKind.STATUS, "status 503, expected 200 to 299", 503),) * 3
    # The event loop's clock goes in milliseconds, and its timers end up to one of them early.
    assert [pause >= least for pause, least in zip(pauses, (0.098, 0.198, 0.398), strict=True)] == [True] * 3
    assert [pause_before(attempt, 0.1) for attempt in (2, 3, 4)] == [0.1, 0.2, 0.4]
    assert seen.total_us is not None
    assert seen.total_us < (came_s[-1] - came_s[0]) * 1e6


async def test_without_a_delay_the_next_attempt_is_made_at_once(prober: Prober) -> None:
    async with target(answering(iter([NO, OK]))) as port:
        seen = await run_at(prober, f"http://127.0.0.1:{port}/", 1, 0)

    assert (verdict(seen), seen.attempt, len(seen.failed_attempts)) == (UP, 2, 1)


async def test_the_last_attempt_is_the_verdict_and_those_before_are_told(prober: Prober) -> None:
    async with target(answering(iter([b"nonsense\r\n\r\n", NO]))) as port:
        seen = await run_at(prober, f"http://127.0.0.1:{port}/", 1, 0)

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.STATUS)
    assert (seen.error_message, seen.skipped_attempts) == ("status 503, expected 200 to 299", 0)
    assert [(each.error_kind, each.status_code) for each in seen.failed_attempts] == [(ErrorKind.PROTOCOL, None)]


@pytest.mark.parametrize(("retries", "told"), [(1, "1 more attempt"), (3, "3 more attempts")])
async def test_an_attempt_for_which_no_time_is_left_is_not_made_nor_waited_for(
    prober: Prober, deadlines: Deadlines, retries: int, told: str
) -> None:
    echo = Echo(NO)
    async with target(echo) as port:
        seen = await run_at(prober, f"http://127.0.0.1:{port}/", retries, FAR_TOO_LONG_S)

    assert (verdict(seen), seen.attempt, len(echo.requests)) == ((Outcome.DOWN, ErrorKind.STATUS), 1, 1)
    assert (seen.failed_attempts, seen.skipped_attempts, deadlines.passed) == ((), retries, 0)
    assert seen.error_message == f"status 503, expected 200 to 299; no time left for {told}"


async def test_an_attempt_that_the_deadline_cuts_off_tells_of_those_that_were_not_made(prober: Prober) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with target(silent) as port:
        seen = await run_at(prober, f"http://127.0.0.1:{port}/", 2, 0, timeout_s=0.2)

    assert (verdict(seen), seen.attempt) == ((Outcome.DOWN, ErrorKind.TIMEOUT), 1)
    assert (seen.failed_attempts, seen.skipped_attempts) == ((), 2)
    assert seen.error_message.endswith("while waiting for the response; no time left for 2 more attempts")


async def test_a_message_that_fills_its_place_still_says_that_attempts_were_skipped(prober: Prober) -> None:
    spec = HttpSpec(url="http://127.0.0.1:1/", body_contains="x" * 400)
    async with target(Echo(OK)) as port:
        spec = HttpSpec(url=f"http://127.0.0.1:{port}/", body_contains="x" * 400)
        seen = await run(prober, spec, retries=1, retry_delay_s=FAR_TOO_LONG_S)

    assert len(seen.error_message) <= 256
    assert seen.error_message.endswith("; no time left for 1 more attempt")


async def test_each_attempt_resolves_anew() -> None:
    """Neither a failure nor an address that no longer holds is taken from memory."""
    refusing, good = "127.0.0.3", "127.0.0.1"
    known = iter([None, None, [(refusing, 300)], [], [(good, 300)], []])
    server = NameServer(lambda _, __: next(known))
    with held_port(refusing, good) as port:
        async with serving(server) as address, target(Echo(), host=good, port=port):
            resolver = Resolver((address,))
            prober = Prober(Network(resolver, LOOPBACK, public_tls()), worker_id="worker-1")
            seen = await run_at(prober, f"http://shop.test:{port}/", 2, 0)
            await resolver.close()

    assert (verdict(seen), seen.attempt, seen.resolved_ip, len(server.questions)) == (UP, 3, good, 6)
    assert [each.error_kind for each in seen.failed_attempts] == [ErrorKind.DNS, ErrorKind.CONNECT_REFUSED]


async def test_secrets_are_in_no_attempts_message(prober: Prober) -> None:
    secret = "s3cr3t-t0ken"
    body = b'{"echo": "' + secret.encode() + b'"}'
    leaking = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    asserted = (JsonPathIs("$.echo", "equals", "nothing"),)
    async with target(answering(iter([leaking, leaking]))) as port:
        spec = HttpSpec(url=f"http://127.0.0.1:{port}/", auth=HttpAuth(bearer_token=secret), asserted=asserted)
        seen = await run(prober, spec, retries=1, retry_delay_s=0)

    assert [each.error_kind for each in seen.failed_attempts] == [ErrorKind.ASSERTION]
    assert "[secret]" in seen.error_message
    assert seen.failed_attempts[0].error_message == seen.error_message
