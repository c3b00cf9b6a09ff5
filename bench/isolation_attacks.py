"""The effect of one caller's attacks on another tenant: the p99 of its calls, and memory a minute later.

Each attack stopped or slowed other tenants in an earlier version. The attacker runs on the same two cores, so its own
CPU time is part of the effect.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from bench.isolation_worker import EVALUATED
from bench.load import Connection, Load, paced, request
from bench.report import Line, at_least, at_most, figure
from tests.support.stack import Stack, Team

A_SECOND = 20
SECONDS = 10
CALLERS = 4
UNFINISHED = 2_000
LATER_S = 60
MOST_MS = 250
MOST_GROWTH = 1.1

Attack = Callable[[], Coroutine[None, None, None]]
"""Attacks until it is cancelled."""


def measure(folder: Path) -> list[Line]:
    """Measure the attacks."""
    stack = Stack(data_dir=folder / "isolation-attacks")
    stack.start()
    try:
        with Team(stack) as attacker, Team(stack) as other:
            return asyncio.run(_measure(stack, attacker, other))
    finally:
        stack.stop()


async def _measure(stack: Stack, attacker: Team, other: Team) -> list[Line]:
    other.service()
    asked = request("GET", f"http://{stack.address}/services?pageSize=20", other.tokens["accessToken"])
    statuses: Counter[int] = Counter()
    attacks = _attacks(stack, attacker, statuses)
    for attack in attacks.values():  # memory that the first call of a kind loads does not count as growth
        await _beside(attack, paced(stack.port, asked, A_SECOND, 2))
    await asyncio.sleep(LATER_S)
    before = _memory(stack)
    alone = await paced(stack.port, asked, A_SECOND, SECONDS)
    lines = [figure("a list of another tenant alone, p99", alone.percentile_ms(0.99), "ms")]
    answered = 0
    for name, attack in attacks.items():
        statuses.clear()
        beside = await _beside(attack, paced(stack.port, asked, A_SECOND, SECONDS))
        answered += len(beside.latencies_s)
        lines.append(at_most(f"beside {name}, p99", beside.percentile_ms(0.99), "ms", MOST_MS))
        lines.append(
            figure(f"answers to them ({', '.join(map(str, sorted(statuses)))})", statuses.total() / SECONDS, "/s")
        )
    lines.append(at_least("calls of the other tenant, answered", answered, "calls", A_SECOND * SECONDS * len(attacks)))
    await asyncio.sleep(LATER_S)  # memory is promised for a minute later
    for process, size in _memory(stack).items():
        lines.append(figure(f"memory of {process} before", before[process] / 1e6, "MB"))
        lines.append(at_most(f"memory of {process} a minute later", size / before[process], "x", MOST_GROWTH))
    return lines


def _attacks(stack: Stack, attacker: Team, statuses: Counter[int]) -> Mapping[str, Attack]:
    """Return the attacks by name."""
    url, token = f"http://{stack.address}", attacker.tokens["accessToken"]
    checks = f"{url}/services/{attacker.service()}/checks"

    def check(assertions: list[object]) -> object:
        return {"name": "x", "http": {"url": "http://localhost/", "assertions": assertions}}

    def calls(message: bytes) -> Attack:
        return lambda: _call(stack.port, message, statuses)

    login = {"tenantSlug": attacker.slug, "email": "nobody@acme.test", "password": "wrong horse"}
    broken = {"header": {"name": "\n", "comparison": 99}}
    return {
        "requests of 1 MB of empty items": calls(request("POST", checks, token, check([{}] * 340_000))),
        "requests of 1 MB of broken items": calls(request("POST", checks, token, check([broken] * 18_000))),
        "requests of 3 kB of broken items": calls(request("POST", checks, token, check([broken] * 60))),
        "wrong logins": calls(request("POST", f"{url}/auth/login", body=login)),
        "evaluations at their limits": calls(request("POST", f"{url}/checks:evaluate", token, EVALUATED)),
        "headers of 40 kB": calls(_with(request("GET", f"{url}/services", token), "x-large: " + "a" * 40_000)),
        "malformed deadlines": calls(_with(request("GET", f"{url}/services", token), "grpc-timeout: 1x")),
        f"{UNFINISHED} requests that never end": lambda: _begin(
            stack.port, request("POST", checks, token, check([]))[:-1]
        ),
    }


def _with(message: bytes, header: str) -> bytes:
    return message.replace(b"\r\n\r\n", f"\r\n{header}\r\n\r\n".encode(), 1)


async def _beside(attack: Attack, measured: Coroutine[None, None, Load]) -> Load:
    attacking = asyncio.create_task(attack())
    load = await measured
    attacking.cancel()
    await asyncio.gather(attacking, return_exceptions=True)
    return load


async def _call(port: int, message: bytes, statuses: Counter[int]) -> None:
    await asyncio.gather(*(_call_alone(port, message, statuses) for _ in range(CALLERS)))


async def _call_alone(port: int, message: bytes, statuses: Counter[int]) -> None:
    while True:
        async with Connection(port) as connection:  # Envoy closes the connections of requests that are too large
            statuses[await connection.send(message)] += 1


async def _begin(port: int, message: bytes) -> None:
    """Begin as many requests as may be open at once, and begin again when Envoy ends them."""
    while True:
        async with AsyncExitStack() as opened:
            streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(UNFINISHED)]
            for _, writer in streams:
                opened.callback(writer.close)
                writer.write(message)
            await asyncio.gather(*(reader.read() for reader, _ in streams))


def _memory(stack: Stack) -> Mapping[str, int]:
    """Return the private memory (USS) of each process in bytes."""
    processes = {
        "auth": "services.auth.app",
        "monitor": "services.monitor.app",
        "worker": "services.worker.app",
        "Envoy": "envoy",
    }
    return {name: stack.child(part).memory_full_info().uss for name, part in processes.items()}
