"""Scheduled probes at a rate, on one worker, with PostgreSQL and the target on the same two cores.

Start lag is from the slot to the start of the run, as recorded. CPU time is that of the worker process in the window,
all its work included, divided by the results of the window.
"""

import asyncio
import time
from pathlib import Path

import psutil

from bench.report import Line, at_least, at_most, figure
from services.platform.clock import SECOND_US, now_us
from tests.support.fleet import Fleet, cheap_target
from tests.support.stack import Stack, Team

TENANTS = 10
CHECKS = 25_000
INTERVAL_S = 5
WINDOW_S = 60
# New checks are a wave of changes at first; the roster reads them again for half a minute.
_SETTLE_S = 40

_FIGURES = """
    SELECT count(*) FILTER (WHERE outcome = 1) AS up,
           coalesce(sum(slot_count) FILTER (WHERE outcome = 4), 0)::bigint AS missed,
           count(*) FILTER (WHERE outcome IN (2, 3)) AS bad,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY lag) AS p50,
           percentile_disc(0.99) WITHIN GROUP (ORDER BY lag) AS p99
    FROM (SELECT *, extract(epoch FROM start_time - slot_time)::float8 * 1000 AS lag FROM results
          WHERE slot_time >= to_timestamp($1) AND slot_time < to_timestamp($2)) AS window_of_time
"""


def measure(folder: Path) -> list[Line]:
    """Measure each rate."""
    stack = Stack(data_dir=folder / "load")
    stack.start()
    try:
        with cheap_target() as url:
            return asyncio.run(_measure(stack, url))
    finally:
        stack.stop()


async def _measure(stack: Stack, url: str) -> list[Line]:
    fleet = Fleet(stack)
    for _ in range(TENANTS):
        with Team(stack) as team:
            await fleet.make(team, CHECKS // TENANTS, url, INTERVAL_S)
    await fleet.accounted_until(now_us() + INTERVAL_S * SECOND_US)
    await asyncio.sleep(_SETTLE_S)
    worker = stack.child("services.worker.app")
    # Its long-lived processes, without those of autovacuum.
    postgres = [each for each in stack.children() if "postgres" in each.name()]
    start, cpu, database = time.time(), used(worker), sum(map(used, postgres))
    await asyncio.sleep(WINDOW_S)
    cpu, database = used(worker) - cpu, sum(map(used, postgres)) - database
    end = start + WINDOW_S
    await fleet.accounted_until(now_us())
    async with fleet.owner() as admin:
        row = await admin.fetchrow(_FIGURES, start, end)
    if row is None:
        raise RuntimeError("an aggregate has always one row")
    rate = CHECKS / INTERVAL_S
    return [
        at_least(f"probes on one worker for {WINDOW_S} s", row["up"] / WINDOW_S, "probes/s", rate * 0.999),
        at_most("slots MISSED", float(row["missed"]), "slots", 0),
        at_most("slots DOWN or ERROR", float(row["bad"]), "slots", 0),
        figure("start lag p50", row["p50"], "ms"),
        at_most("start lag p99", row["p99"], "ms", 20),
        at_most("CPU of the worker", cpu * 1e6 / row["up"], "us/probe", 150),
        figure("CPU of PostgreSQL", database * 1e6 / row["up"], "us/probe"),
    ]


def used(process: psutil.Process) -> float:
    """Return seconds of CPU time; 0 for a process that has ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
