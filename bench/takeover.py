"""How long shards stand still when a worker goes: killed, and stopped in order (semantics.md §6).

Two workers share some thousand checks of 5 s, so that each shard fires several times a second or so. Standing still is
the longest time between two starts in a row in one shard, as recorded, over all shards. The worker is killed several
times, since how long it takes depends on when the others renewed last.
"""

import asyncio
import time
from pathlib import Path

import psutil

from bench.report import Line, at_most, told
from services.common.clock import SECOND_US, now_us
from services.worker.lease import RENEW_S, TTL_S
from tests.e2e.fleet import Fleet, cheap_target
from tests.e2e.stack import Stack, Team

WORKERS = 2
CHECKS = 2_560
INTERVAL_S = 5
KILLS = 4

_STILL = """
    SELECT max(gap) FROM (
        SELECT r.start_time - lag(r.start_time) OVER (PARTITION BY c.shard ORDER BY r.start_time) AS gap
        FROM results r JOIN checks c ON c.tenant_id = r.tenant_id AND c.id = r.check_id
        WHERE r.start_time BETWEEN to_timestamp($1) AND to_timestamp($2)
    ) AS gaps
"""
_MISSED = """
    SELECT coalesce(sum(slot_count), 0)::bigint FROM results
    WHERE outcome = 4 AND slot_time BETWEEN to_timestamp($1) AND to_timestamp($2)
"""


def measure(folder: Path) -> list[Line]:
    """Run it."""
    stack = Stack(folder / "takeover", settings={"SENTINEL_WORKERS": str(WORKERS)})
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
        killed.append(await _still(fleet, begun))
    begun = time.time()
    process = _worker(stack)
    process.terminate()
    await asyncio.to_thread(process.wait)
    stopped = await _still(fleet, begun)
    async with fleet.owner() as admin:
        missed = await admin.fetchval(_MISSED, begun - INTERVAL_S, time.time())
    return [
        told("longest standstill of a shard, worker killed, best time", min(killed), "s"),
        at_most("longest standstill of a shard, worker killed, worst time", max(killed), "s", TTL_S + RENEW_S),
        told("longest standstill of a shard, worker stopped in order", stopped, "s"),
        at_most("slots MISSED, worker stopped in order", float(missed), "slots", 0),
    ]


def _worker(stack: Stack) -> psutil.Process:
    return next(each for each in stack.children() if "services.worker.app" in each.cmdline())


async def _still(fleet: Fleet, begun: float) -> float:
    """Seconds that the shard which stood still longest did so since about a time."""
    # Until then a dead worker's leases may last; before that its shards look as if they were shared.
    await asyncio.sleep(TTL_S + RENEW_S)
    await fleet.settled(WORKERS)
    async with fleet.owner() as admin:
        gap = await admin.fetchval(_STILL, begun - INTERVAL_S, time.time())
    return float(gap.total_seconds())
