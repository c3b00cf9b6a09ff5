"""The effect of rolling up an hour of many checks on the probes of a worker on the same two cores."""

import asyncio
import time
from pathlib import Path
from uuid import UUID

import asyncpg

from bench import history
from bench.report import Line, at_most, figure
from services.monitor.figures.buckets import latest_day
from services.platform.clock import HOUR_US, SECOND_US, now_us, to_datetime
from tests.support.fleet import Fleet, cheap_target
from tests.support.stack import Stack, Team

PROBED = 5_000
INTERVAL_S = 5
ROLLED = 20_000
QUIET_S = 15
# New checks are a wave of changes at first; the roster reads them again for half a minute.
_SETTLE_S = 40
# By then the runs that began meanwhile have ended and are recorded.
_WRITTEN_S = 2
_PATIENCE_S = 120

_LAG = """
    SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM start_time - slot_time)::float8 * 1000)
    FROM results WHERE tenant_id = $1 AND slot_time >= $2 AND slot_time < $3 AND outcome = 1
"""
_LEFT = "SELECT count(*) FROM check_rollups WHERE tenant_id = $1 AND rolled_time < $2"


def measure(folder: Path) -> list[Line]:
    """Measure the effect."""
    stack = Stack(data_dir=folder / "rollup")
    stack.start()
    try:
        with cheap_target() as url, Team(stack) as team:
            return asyncio.run(_measure(stack, team, url))
    finally:
        stack.stop()


async def _measure(stack: Stack, team: Team, url: str) -> list[Line]:
    fleet = Fleet(stack)
    async with fleet.owner() as admin:
        probed = UUID(team.registered["tenant"]["id"])
        _, end = latest_day(now_us())
        rolled = await history.new_tenant(admin, "rolled")
        await history.fill(admin, rolled, ROLLED, 0, now_us(), raw_us=now_us() - end + HOUR_US)
        # They are no longer probed, and are closed until all is idle.
        await admin.execute("UPDATE check_periods SET end_time = now() WHERE tenant_id = $1", rolled)
        mark = "UPDATE check_rollups SET rolled_time = $2 WHERE tenant_id = $1"
        await admin.execute(mark, rolled, to_datetime(end))
        await admin.execute("VACUUM ANALYZE", timeout=120)
        await fleet.make(team, PROBED, url, INTERVAL_S)
        await asyncio.sleep(_SETTLE_S)

        quiet = now_us(), now_us() + QUIET_S * SECOND_US
        await asyncio.sleep(QUIET_S)
        await admin.execute(mark, rolled, to_datetime(end - HOUR_US))
        await _left(admin, rolled, end, ROLLED - 1)
        begun, begun_us = time.perf_counter(), now_us()
        await _left(admin, rolled, end, 0)
        took_s, ended_us = time.perf_counter() - begun, now_us()
        await asyncio.sleep(_WRITTEN_S)
        lags = [
            await admin.fetchval(_LAG, probed, to_datetime(since), to_datetime(until))
            for since, until in (quiet, (begun_us, ended_us))
        ]
    rate = PROBED / INTERVAL_S
    return [
        figure(f"start lag p99 of {rate:g} probes/s, nothing rolled up", lags[0], "ms"),
        at_most(f"the same while an hour of {ROLLED} checks is rolled up", lags[1], "ms", 50),
        at_most(f"an hour of 100,000 checks then, extrapolated from {ROLLED}", took_s * 100_000 / ROLLED, "s", 60),
    ]


async def _left(admin: "asyncpg.Connection[asyncpg.Record]", tenant: UUID, end_us: int, most: int) -> None:
    """Wait until at most so many checks have an hour that is not rolled up."""
    async with asyncio.timeout(_PATIENCE_S):
        while await admin.fetchval(_LEFT, tenant, to_datetime(end_us)) > most:  # noqa: ASYNC110 — rows set no event
            await asyncio.sleep(0.05)
