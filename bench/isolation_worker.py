"""The effect of a tenant with expensive work on another tenant of the same worker."""

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.beside import wait_for
from bench.load import Connection, paced, request
from bench.probes import used
from bench.report import Line, at_least, at_most, figure
from services.platform.clock import SECOND_US, now_us
from tests.support.fleet import Fleet, cheap_target
from tests.support.ports import free_port
from tests.support.stack import Stack, Team

EXPENSIVE, OTHERS, INTERVAL_S = 60, 100, 5
WINDOW_S = 60
CALLERS = 10
A_SECOND = 20
SECONDS = 15
MOST_RISE_MS = 100
_OVERLOADED = 429

_SLOTS = """
    SELECT coalesce(sum(slot_count) FILTER (WHERE outcome = 4), 0)::bigint AS missed,
           count(*) FILTER (WHERE outcome = 1) AS up, count(*) FILTER (WHERE outcome <> 4) AS run,
           coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM start_time - slot_time) * 1000)
                    FILTER (WHERE outcome <> 4), 0)::float8 AS lag
    FROM results WHERE tenant_id = $1 AND slot_time >= to_timestamp($2) AND slot_time < to_timestamp($3)
"""
# At the limits of the call: 20 assertions, 256 instructions, 512 KiB of JSON.
_NESTED = "[" * 300 + "1" + "]" * 300
_BODY = "[" + ",".join([_NESTED] * (500_000 // len(_NESTED))) + "]"
_PATHS = [{"jsonPath": {"path": "$..*..*" + "[0]" * number, "exists": True}} for number in range(18)]
_EXPRESSIONS = [{"bodyMatches": "[\\[-\\]]*\\[[\\[-\\]]{50}[\\[-\\]]{50}" + end} for end in "cd"]
EVALUATED = {"assertions": _PATHS + _EXPRESSIONS, "given": {"statusCode": 200, "body": _BODY}}


def measure_tls(folder: Path) -> list[Line]:
    """Run checks of a server that would choose an expensive key exchange beside those of another tenant."""
    stack = Stack(data_dir=folder / "isolation-tls")
    stack.start()
    try:
        with cheap_target() as cheap, _expensive_server(folder) as expensive:
            return asyncio.run(_measure_tls(stack, cheap, expensive))
    finally:
        stack.stop()


async def _measure_tls(stack: Stack, cheap: str, expensive: str) -> list[Line]:
    fleet = Fleet(stack)
    tenants = []
    for count, url in ((EXPENSIVE, expensive), (OTHERS, cheap)):
        with Team(stack) as team:
            await fleet.make(team, count, url, INTERVAL_S)
            tenants.append(UUID(team.registered["tenant"]["id"]))
    await fleet.accounted_until(now_us() + 2 * INTERVAL_S * SECOND_US)
    worker = stack.child("services.worker.app")
    start, cpu = time.time(), used(worker)
    await asyncio.sleep(WINDOW_S)
    cpu, end = used(worker) - cpu, time.time()
    await fleet.accounted_until(now_us())
    async with fleet.owner() as admin:
        rows: list[Any] = [await admin.fetchrow(_SLOTS, tenant, start, end) for tenant in tenants]
    return [
        at_most("slots of the other tenant MISSED", float(rows[1]["missed"]), "slots", 0),
        at_least("slots of the other tenant UP", rows[1]["up"], "slots", OTHERS * (WINDOW_S / INTERVAL_S - 1)),
        at_most("their start lag p99", rows[1]["lag"], "ms", 50),
        figure(f"slots run of {EXPENSIVE} expensive checks", rows[0]["run"], "slots"),
        figure("slots MISSED of them", float(rows[0]["missed"]), "slots"),
        figure("CPU of the worker", cpu / WINDOW_S, "cores"),
    ]


@contextmanager
def _expensive_server(folder: Path) -> Iterator[str]:
    """Yield the URL of a TLS server that chooses the most expensive key exchange that a client offers."""
    key, certificate, port = folder / "key.pem", folder / "certificate.pem", free_port()
    made = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    subprocess.run(
        ["openssl", "req", *made, "-keyout", key, "-out", certificate],  # noqa: S607 — the one that is there
        check=True, capture_output=True,
    )  # fmt: skip
    arguments = ("-accept", str(port), "-key", key, "-cert", certificate, "-quiet", "-www")
    process = subprocess.Popen(
        ["openssl", "s_server", *arguments, "-groups", "ffdhe8192:P-384", "-serverpref"],  # noqa: S607 — as above
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port)
        yield f"https://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


def measure_evaluate(folder: Path) -> list[Line]:
    """Call `checks:evaluate` at its limits beside another tenant's calls."""
    stack = Stack(data_dir=folder / "isolation-evaluate")
    stack.start()
    try:
        with Team(stack) as greedy, Team(stack) as other:
            return asyncio.run(_measure_evaluate(stack, greedy, other))
    finally:
        stack.stop()


async def _measure_evaluate(stack: Stack, greedy: Team, other: Team) -> list[Line]:
    small = {"assertions": [{"bodyContains": "ok"}], "given": {"statusCode": 200, "body": "ok"}}
    url = f"http://{stack.address}/checks:evaluate"
    asked = request("POST", url, other.tokens["accessToken"], small)
    worst = request("POST", url, greedy.tokens["accessToken"], EVALUATED)
    await paced(stack.port, asked, A_SECOND, 3)
    alone = await paced(stack.port, asked, A_SECOND, SECONDS)
    statuses: Counter[int] = Counter()
    callers = [asyncio.create_task(_call(stack.port, worst, statuses)) for _ in range(CALLERS)]
    worker = stack.child("services.worker.app")
    cpu = used(worker)
    beside = await paced(stack.port, asked, A_SECOND, SECONDS)
    cpu = used(worker) - cpu
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    failed = sum(count for status, count in statuses.items() if status not in (200, _OVERLOADED))
    return [
        figure("a small evaluation of another tenant alone, p99", alone.percentile_ms(0.99), "ms"),
        figure(f"beside {CALLERS} callers at the limits, p99", beside.percentile_ms(0.99), "ms"),
        at_most("its p99 rises by", beside.percentile_ms(0.99) - alone.percentile_ms(0.99), "ms", MOST_RISE_MS),
        figure("evaluations at the limits", statuses[200], "calls"),
        figure("those that were refused", statuses[_OVERLOADED], "calls"),
        at_most("those that failed otherwise", failed, "calls", 0),
        figure("CPU of the worker", cpu / beside.seconds, "cores"),
    ]


async def _call(port: int, message: bytes, statuses: Counter[int]) -> None:
    """Call repeatedly until cancelled; retry soon after a refusal."""
    async with Connection(port) as connection:
        while True:
            status = await connection.send(message)
            statuses[status] += 1
            if status == _OVERLOADED:
                await asyncio.sleep(0.1)
