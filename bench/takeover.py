"""The time until all slots are punctual again after a worker is killed or stopped in order (semantics.md §6).

Two workers share some thousand checks of 5 s. When one ends, its shards stop; the last of their slots that is missed,
or begins more than a second late, shows when they run again. The worker is killed several times, because the time
depends on its last renewal of leases.
"""

import asyncio
import time
from pathlib import Path

import psutil

from bench.report import Line, at_most, figure
from services.platform.clock import SECOND_US, now_us
from services.worker.lease import RENEW_S, TTL_S
from tests.support.fleet import Fleet, cheap_target
from tests.support.stack import Stack, Team

WORKERS = 2
CHECKS = 2_560
INTERVAL_S = 5
KILLS = 4

_LAST_LATE = """
    SELECT extract(epoch FROM max(
        CASE WHEN outcome = 4 THEN slot_time + (slot_count - 1) * make_interval(secs => interval_us / 1e6)
        ELSE start_time END
    ))::float8
    FROM results
    WHERE slot_time BETWEEN to_timestamp($1) AND to_timestamp($2)
      AND (outcome = 4 OR start_time - slot_time > interval '1 s')
"""
_MISSED = """
    SELECT coalesce(sum(slot_count), 0)::bigint FROM results
    WHERE outcome = 4 AND slot_time BETWEEN to_timestamp($1) AND to_timestamp($2)
"""


def measure(folder: Path) -> list[Line]:
    """Measure both."""
    stack = Stack(data_dir=folder / "takeover", settings={"SENTINEL_WORKERS": str(WORKERS)})
    stack.start()
    try:
        with cheap_target() as url, Team(stack) as team:
            return asyncio.run(_measure(stack, team, url))
    finally:
        stack.stop()


async def _measure(stack: Stack, team: Team, url: str) -> list[Line]:
    fleet = Fleet(stack)
    await fleet.shared_by(WORKERS)
    await fleet.make(team, CHECKS, url, INTERVAL_S)
    await fleet.accounted_until(now_us() + INTERVAL_S * SECOND_US)
    killed = []
    for _ in range(KILLS):
        begun = time.time()
        _worker(stack).kill()
        killed.append(await _standstill(fleet, begun))
    begun = time.time()
    process = _worker(stack)
    process.terminate()
    await asyncio.to_thread(process.wait)
    stopped = await _standstill(fleet, begun)
    async with fleet.owner() as admin:
        missed = await admin.fetchval(_MISSED, begun - INTERVAL_S, time.time())
    return [
        figure("all shards fire again, worker killed, best time", min(killed), "s"),
        at_most("all shards fire again, worker killed, worst time", max(killed), "s", TTL_S + RENEW_S),
        figure("all shards fire again, worker stopped in order", stopped, "s"),
        at_most("slots MISSED, worker stopped in order", float(missed), "slots", 0),
    ]


def _worker(stack: Stack) -> psutil.Process:
    return next(each for each in stack.children() if "services.worker.app" in each.cmdline())


async def _standstill(fleet: Fleet, begun: float) -> float:
    """Return seconds from a time until every slot was punctual again; 0 if none was late."""
    # A dead worker's leases may last until then; before that its shards look shared.
    await asyncio.sleep(TTL_S + RENEW_S)
    await fleet.settled(WORKERS)
    async with fleet.owner() as admin:
        last = await admin.fetchval(_LAST_LATE, begun - INTERVAL_S, time.time())
    return max(0.0, float(last or begun) - begun)
