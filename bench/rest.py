"""Status through Envoy as REST, one monitor process, with the load generator and all else on the same machine."""

import asyncio
from pathlib import Path
from uuid import UUID

from bench import history
from bench.load import flat_out, request
from bench.probes import used
from bench.report import Line, at_least, figure
from services.platform.clock import now_us
from tests.support.fleet import Fleet, cheap_target
from tests.support.stack import Stack, Team

SERVICES = 500
DAYS = 90
CONNECTIONS = 32
WARM_S = 3
FLAT_OUT_S = 10


def measure(folder: Path) -> list[Line]:
    """Measure the latency."""
    stack = Stack(data_dir=folder / "rest")
    stack.start()
    try:
        with cheap_target() as url, Team(stack) as team:
            return asyncio.run(_measure(stack, team, url))
    finally:
        stack.stop()


async def _measure(stack: Stack, team: Team, url: str) -> list[Line]:
    async with Fleet(stack).owner() as admin:
        tenant = UUID(team.registered["tenant"]["id"])
        ids = await history.fill(admin, tenant, SERVICES, DAYS, now_us(), url=url)
        await admin.execute("VACUUM ANALYZE")
    token = team.tokens["accessToken"]
    asked = [request("GET", f"http://{stack.address}/services/{each}/status", token) for each in ids]
    await flat_out(stack.port, asked, CONNECTIONS, WARM_S)
    monitor, envoy = stack.child("services.monitor.app"), stack.child("envoy")
    postgres = [each for each in stack.children() if "postgres" in each.name()]
    before = [used(monitor), used(envoy), sum(map(used, postgres))]
    load = await flat_out(stack.port, asked, CONNECTIONS, FLAT_OUT_S)
    after = [used(monitor), used(envoy), sum(map(used, postgres))]
    cpu = [(late - early) * 1000 / len(load.latencies_s) for early, late in zip(before, after, strict=True)]
    return [
        at_least(f"status as REST, {SERVICES} services, {CONNECTIONS} connections", load.rate, "/s", 1000),
        figure("its latency p50", load.percentile_ms(0.5), "ms"),
        figure("its latency p99", load.percentile_ms(0.99), "ms"),
        figure("CPU of the monitor", cpu[0], "ms/request"),
        figure("CPU of Envoy", cpu[1], "ms/request"),
        figure("CPU of PostgreSQL", cpu[2], "ms/request"),
    ]
