"""The maximum cost of one tenant or one target for a worker, and its effect on other probes."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import brotli
import dns.name
import dns.rdatatype
import uvloop

from bench.report import Line, at_most
from services.checks.outcome import Outcome
from services.checks.regex import compiled
from services.checks.result import Result
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.platform.egress.policy import EgressPolicy
from services.wire.body import Body
from services.wire.dns_question import Question
from services.wire.network import Network
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.wire.resolver import Resolver
from services.worker.judging.judge import judge
from services.worker.probe import Prober
from tests.support.assertions import HOSTILE_BODIES, dearest_assertions
from tests.support.targets import Echo, dripping, saying, target
from tests.support.worker import a_check_of
from tests.support.zones import long_names_in_few_bytes

_ROUNDS = 5
_MIB = 1024 * 1024
_HOSTILE_EACH = 25
_BESIDE = 100
_NEVER = "never there"


def measure(_folder: Path) -> list[Line]:
    """Measure the attacks."""
    return [
        *(
            at_most(f"verdict on the dearest assertions, body: {name}", _least_ms(_verdict_on(body)), "ms", 250)
            for name, body in HOSTILE_BODIES.items()
        ),
        at_most("an expression that hangs backtracking engines, 64 KiB", _least_ms(_backtracking), "ms", 10),
        at_most("a DNS answer of long names in few bytes", _least_ms(_long_names), "ms", 100),
        at_most("slowest of 100 probes beside 100 hostile ones", uvloop.run(_slowest_beside()) * 1_000, "ms", 500),
    ]


def _least_ms(run: Callable[[], None]) -> float:
    """Return milliseconds of CPU time, the minimum of a few rounds."""
    rounds = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        run()
        rounds.append(time.process_time() - start)
    return min(rounds) * 1_000


def _verdict_on(body: bytes) -> Callable[[], None]:
    wanted = HttpSpec(url="http://t/", asserted=tuple(dearest_assertions()))

    def once() -> None:
        seen = Observation(status_code=200, body=Body((), body, truncated=False), total_us=0)
        if judge(wanted, seen, 0).outcome is not Outcome.DOWN:
            raise RuntimeError("the verdict is another one")

    return once


def _backtracking() -> None:
    if compiled("(a+)+$").search(b"a" * 2**16 + b"!") is not None:
        raise RuntimeError("it matches")


def _long_names() -> None:
    question = Question(dns.name.from_text("acme.test.").to_digestable(), dns.rdatatype.SOA)
    (answer,) = long_names_in_few_bytes(question.wire(7))
    try:
        question.answered_by(answer, 7)
    except ProbeFailure:
        return
    raise RuntimeError("it is taken")


async def _slowest_beside() -> float:
    """Return the seconds of the slowest probe of a good target, while other targets drip, send bombs or are silent."""
    compressor = brotli.Compressor(quality=1)
    bomb = b"".join(bytes(compressor.process(bytes(_MIB))) for _ in range(1024)) + bytes(compressor.finish())
    bombs = b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: %d\r\n\r\n" % len(bomb) + bomb
    resolver = Resolver()
    prober = Prober(Network(resolver, EgressPolicy.parse("127.0.0.0/8")), worker_id="worker-1")

    async def probe(spec: Spec, timeout_s: float) -> Result:
        return await prober.run(a_check_of(spec, timeout_s), 0, 0)

    async with (
        target(dripping(b"HTTP/1.1 200 OK\r\n", b"x")) as slow,
        target(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x")) as slow_body,
        target(saying(bombs, then_wait=True)) as bombing,
        target(saying(then_wait=True)) as silent,
        target(Echo()) as good,
    ):
        hostile = [
            asyncio.create_task(probe(HttpSpec(url=f"http://127.0.0.1:{port}/", body_contains=_NEVER), 5))
            for port in (slow, slow_body, bombing, silent) * _HOSTILE_EACH
        ]
        beside = [await probe(HttpSpec(url=f"http://127.0.0.1:{good}/"), 5) for _ in range(_BESIDE)]
        for each in hostile:
            each.cancel()
        await asyncio.gather(*hostile, return_exceptions=True)
    await resolver.close()
    if {seen.outcome for seen in beside} != {Outcome.UP}:
        raise RuntimeError("a probe of the good target failed")
    return max(seen.total_us or 0 for seen in beside) / 1e6
