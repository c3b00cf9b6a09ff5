"""The effect of readers of a large tenant's overview on another tenant, through Envoy as REST."""

import asyncio
from collections import Counter
from pathlib import Path
from uuid import UUID

from bench import history
from bench.load import Connection, paced, request
from bench.probes import used
from bench.report import Line, at_least, at_most, figure
from services.platform.clock import now_us
from tests.support.fleet import Fleet
from tests.support.stack import Stack, Team

SERVICES = 5_000
OTHER_SERVICES = 20
DAYS = 2
READERS = 40
A_SECOND = 20
SECONDS = 15
MOST_RISE_MS = 100


def measure(folder: Path) -> list[Line]:
    """Measure the effect."""
    stack = Stack(data_dir=folder / "isolation-database")
    stack.start()
    try:
        with Team(stack) as large, Team(stack) as other:
            return asyncio.run(_measure(stack, large, other))
    finally:
        stack.stop()


async def _measure(stack: Stack, large: Team, other: Team) -> list[Line]:
    async with Fleet(stack).owner() as admin:
        for team, services in ((large, SERVICES), (other, OTHER_SERVICES)):
            tenant = UUID(team.registered["tenant"]["id"])
            await history.fill(admin, tenant, services, DAYS, now_us(), raw_us=0, url="http://127.0.0.1:9/")
        await admin.execute("VACUUM ANALYZE")
    asked = request("GET", f"http://{stack.address}/services?pageSize=20", other.tokens["accessToken"])
    overview = request("GET", f"http://{stack.address}/overview", large.tokens["accessToken"])
    await paced(stack.port, asked, A_SECOND, 3)
    alone = await paced(stack.port, asked, A_SECOND, SECONDS)
    statuses: Counter[int] = Counter()
    readers = [asyncio.create_task(_read(stack.port, overview, statuses)) for _ in range(READERS)]
    monitor = stack.child("services.monitor.app")
    postgres = [each for each in stack.children() if "postgres" in each.name()]
    before = used(monitor), sum(map(used, postgres))
    beside = await paced(stack.port, asked, A_SECOND, SECONDS)
    after = used(monitor), sum(map(used, postgres))
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    rise = beside.percentile_ms(0.99) - alone.percentile_ms(0.99)
    return [
        figure("a list of another tenant alone, p99", alone.percentile_ms(0.99), "ms"),
        figure(
            f"beside {READERS} readers of an overview of {SERVICES} services, p99", beside.percentile_ms(0.99), "ms"
        ),
        at_most("its p99 rises by", rise, "ms", MOST_RISE_MS),
        figure("overviews that were read meanwhile", statuses[200] / SECONDS, "/s"),
        figure("CPU of the monitor meanwhile", (after[0] - before[0]) / beside.seconds, "cores"),
        figure("CPU of PostgreSQL meanwhile", (after[1] - before[1]) / beside.seconds, "cores"),
        figure("readers that were refused", sum(statuses.values()) - statuses[200], "calls"),
        at_least("the other tenant's calls, all answered", len(beside.latencies_s), "calls", A_SECOND * SECONDS),
    ]


async def _read(port: int, message: bytes, statuses: Counter[int]) -> None:
    """Read repeatedly until cancelled."""
    async with Connection(port) as connection:
        while True:
            statuses[await connection.send(message)] += 1
