"""Many checks on one worker: the time to load them, their memory, and the cost of a probe among them.

The cost is measured at one rate: 1,000 checks every 5 s are 200 probes a second, and so are 300,000 every 1,500 s. Then
all 300,000 run every 60 s, which is 5,000 probes a second.
"""

import asyncio
import json
import time
from pathlib import Path

from bench.probes import used
from bench.report import Line, at_most, figure
from tests.support.fleet import Fleet, cheap_target, eventually
from tests.support.scraped import scraped
from tests.support.stack import Stack, Team

FEW, MANY = 1_000, 300_000
FEW_INTERVAL_S, MANY_INTERVAL_S, FULL_INTERVAL_S = 5, 1_500, 60
TENANTS = 20
WINDOW_S = 20
_SETTLE_S = 40
_LOAD_S = 60.0
_MB = 1024 * 1024

# The delay before the window: a worker that has just loaded its checks is still late.
_RUN_SINCE = "SELECT count(*) FROM results WHERE start_time >= to_timestamp($1) AND outcome = 1"


def measure(folder: Path) -> list[Line]:
    """Measure each size."""
    with cheap_target() as url:
        few, _, _ = _run(folder / "few", url, FEW, FEW_INTERVAL_S)
        many, _, _ = _run(folder / "many", url, MANY, MANY_INTERVAL_S)
        full, seconds, memory = _run(folder / "full", url, MANY, FULL_INTERVAL_S)
    return [
        at_most(f"{MANY} checks loaded within", seconds, "s", 15),
        at_most(f"memory of the worker with {MANY} checks every {FULL_INTERVAL_S} s", memory, "MB", 600),
        figure(f"CPU a probe, all of them every {FULL_INTERVAL_S} s", full, "us"),
        figure(f"CPU a probe at 200/s, {FEW} checks", few, "us"),
        figure(f"CPU a probe at 200/s, {MANY} checks", many, "us"),
        at_most("the one by the other", many / few, "", 1.25),
    ]


def _run(folder: Path, url: str, checks: int, interval_s: int) -> tuple[float, float, float]:
    """Return CPU time per probe in microseconds, seconds to load, and megabytes of memory."""
    stack = Stack(data_dir=folder)
    stack.start()
    try:
        return asyncio.run(_measure(stack, url, checks, interval_s))
    finally:
        stack.stop()


async def _measure(stack: Stack, url: str, checks: int, interval_s: int) -> tuple[float, float, float]:
    fleet = Fleet(stack)
    for _ in range(TENANTS):
        with Team(stack) as team:
            await fleet.make(team, checks // TENANTS, f"{url}{{number}}", interval_s)
    async with fleet.owner() as admin:
        await admin.execute("ANALYZE")
    worker = stack.child("services.worker.app")
    worker.terminate()
    await asyncio.to_thread(worker.wait)
    begun = time.monotonic()
    await eventually(lambda: _holds(stack, checks), _LOAD_S)
    seconds = time.monotonic() - begun
    await asyncio.sleep(_SETTLE_S)
    worker = stack.child("services.worker.app")
    start, cpu = time.time(), used(worker)
    await asyncio.sleep(WINDOW_S)
    cpu = used(worker) - cpu
    async with fleet.owner() as admin:
        ran = await admin.fetchval(_RUN_SINCE, start)
    return cpu * 1e6 / max(1, ran), seconds, worker.memory_info().rss / _MB


async def _holds(stack: Stack, checks: int) -> bool:
    """Return whether the worker holds all checks, by its metrics."""
    targets = json.loads((stack.data_dir / "run" / "metrics.json").read_text())
    (address,) = [each["targets"][0] for each in targets if each["labels"]["process"] == "worker-0"]
    samples = await asyncio.to_thread(scraped, address)  # the process's own metrics come first
    return samples.get(("sentinel_checks_held", frozenset())) == checks
