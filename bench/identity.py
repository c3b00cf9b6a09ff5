"""Calls that only identify the caller during a storm of logins, and the time of failed logins by reason."""

import asyncio
import random
import statistics
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from bench import chain
from bench.load import Connection, flat_out, paced, request
from bench.report import Line, at_least, at_most, figure
from tests.support.stack import PASSWORD, Stack, Team

CONNECTIONS = 16
FLAT_OUT_S = 10
PEOPLE = 50
PER_SECOND = 200
STORM_S = 10
GUESSES = 8


def measure(folder: Path) -> list[Line]:
    """Measure the storm and the timing."""
    stack = Stack(data_dir=folder / "identity")
    stack.start()
    try:
        with Team(stack) as team:
            emails = [team.person("viewer").email for _ in range(PEOPLE)]
            return [*chain.measure(folder), *asyncio.run(_measure(stack, team, emails))]
    finally:
        stack.stop()


async def _measure(stack: Stack, team: Team, emails: list[str]) -> list[Line]:
    url = f"http://{stack.address}"
    me = request("GET", f"{url}/auth/me", team.tokens["accessToken"])
    services = request("GET", f"{url}/services", team.tokens["accessToken"])
    busy = await flat_out(stack.port, [me], CONNECTIONS, FLAT_OUT_S)
    calm = [await paced(stack.port, call, PER_SECOND, STORM_S) for call in (me, services)]
    stormy, logins = [], 0
    for call in (me, services):
        storm = asyncio.create_task(_storm(stack, team, emails))
        stormy.append(await paced(stack.port, call, PER_SECOND, STORM_S))
        storm.cancel()
        logins += (await asyncio.gather(storm, return_exceptions=True)).count(None)
    raised = [
        after.percentile_ms(0.99) - before.percentile_ms(0.99) for before, after in zip(calm, stormy, strict=True)
    ]
    return [
        at_least(f"GetMe through Envoy, {CONNECTIONS} connections", busy.rate, "/s", 1500),
        figure("its latency p99", busy.percentile_ms(0.99), "ms"),
        figure(f"GetMe at {PER_SECOND}/s, p99", calm[0].percentile_ms(0.99), "ms"),
        at_most(f"raised by {PEOPLE} parallel logins, auth", raised[0], "ms", 50),
        at_most(f"raised by {PEOPLE} parallel logins, monitor", raised[1], "ms", 50),
        *await _timing(stack, team, emails),
    ]


async def _storm(stack: Stack, team: Team, emails: list[str]) -> None:
    """Log in again and again with each email, until cancelled."""

    async def one(email: str) -> None:
        async with Connection(stack.port) as connection:
            while True:
                await connection.timed(_login(stack, team.slug, email, PASSWORD))

    async with asyncio.TaskGroup() as group:
        for email in emails:
            group.create_task(one(email))


async def _timing(stack: Stack, team: Team, emails: list[str]) -> list[Line]:
    """Measure the time of failed logins by reason, one after another in random order."""
    kinds: dict[str, Callable[[str], tuple[str, str]]] = {
        "the password": lambda email: (team.slug, email),
        "the email": lambda _: (team.slug, f"{uuid4().hex}@acme.test"),
        "the tenant": lambda email: (uuid4().hex, email),
    }
    guesses = [(kind, email) for kind in kinds for email in emails for _ in range(GUESSES)]
    random.Random(1).shuffle(guesses)  # noqa: S311 — an order, not a secret
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    async with Connection(stack.port) as connection:
        for kind, email in guesses:
            message = _login(stack, *kinds[kind](email), "wrong " + PASSWORD)
            times[kind].append(await connection.timed(message, expected=401) * 1000)
    known = times["the password"]
    quartiles = statistics.quantiles(known, n=4)
    noise = quartiles[2] - quartiles[0]
    middle = statistics.median(known)
    return [
        figure("login with a wrong password, median", middle, "ms"),
        *(
            at_most(f"differs when {kind} is wrong", abs(statistics.median(times[kind]) - middle), "ms", noise)
            for kind in ("the email", "the tenant")
        ),
    ]


def _login(stack: Stack, slug: str, email: str, password: str) -> bytes:
    body = {"tenantSlug": slug, "email": email, "password": password}
    return request("POST", f"http://{stack.address}/auth/login", body=body)
