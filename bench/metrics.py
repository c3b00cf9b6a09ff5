"""The cost of metrics: of the counters per probe in the worker, and of a scrape on the event loop.

The share of a batch's counters is left out: all results of the batch share it. A wait is the lateness of a turn of an
otherwise idle event loop, while another process scrapes ten times a second, 150 times as often as Prometheus; the same
without scrapes is the noise of the machine.
"""

import asyncio
import sys
import time
from dataclasses import fields
from pathlib import Path

import uvloop

from bench.report import Line, at_most, figure
from services.checks.outcome import ErrorKind, Outcome
from services.platform.address import Address
from services.platform.metrics.metrics_server import serve_metrics
from services.platform.metrics.process_metrics import ProcessMetrics
from services.platform.rpc.readiness import Readiness
from services.worker.exposition import WorkerCollector
from services.worker.metrics import Metrics
from services.worker.report import Gauges
from tests.support.ports import free_port

_PROBES = 200_000
_METHODS = 3  # of the worker
_WATCHED_S = 5.0
_SCRAPER = """
import sys, time, urllib.request
while True:
    urllib.request.urlopen(f"http://{sys.argv[1]}/metrics", timeout=5).read()
    time.sleep(0.1)
"""


def measure(_folder: Path) -> list[Line]:
    """Measure both."""
    alone, scraped = (uvloop.run(_waits(scrape=scrape)) for scrape in (False, True))
    return [
        at_most("metrics of a probe", min(_probes() for _ in range(5)), "us", 5),
        figure("event loop late by p99, without scrapes", alone[int(len(alone) * 0.99)], "ms"),
        at_most("event loop late by p99, 10 scrapes/s", scraped[int(len(scraped) * 0.99)], "ms", 5),
        figure("event loop late at the most, without scrapes", alone[-1], "ms"),
        figure("event loop late at the most, 10 scrapes/s", scraped[-1], "ms"),
    ]


def _probes() -> float:
    """Return microseconds per probe."""
    metrics = Metrics()
    begun = time.perf_counter()
    for _ in range(_PROBES):
        metrics.wire.resolved(cached=True)
        metrics.started(1_400)
        metrics.ended("http", Outcome.DOWN, ErrorKind.TIMEOUT)
        metrics.streams.sent()
    return (time.perf_counter() - begun) / _PROBES * 1e6


async def _waits(*, scrape: bool) -> list[float]:
    """Return by how many milliseconds turns of the event loop were late, ascending."""
    process, address = ProcessMetrics("worker"), Address("127.0.0.1", free_port())
    process.registry.register(WorkerCollector(Metrics(), Gauges(**{each.name: lambda: 1 for each in fields(Gauges)})))
    for number in range(_METHODS):
        for code in ("OK", "UNAVAILABLE", "INVALID_ARGUMENT"):
            process.calls.ended(f"/sentinel.probe.v1.ProbeService/Method{number}", code, 1_000, streams=False)
    waits = []
    async with serve_metrics(address, process.registry, Readiness(lambda: True, list).answer):
        command = (sys.executable, "-c", _SCRAPER, str(address))
        scraper = await asyncio.create_subprocess_exec(*command) if scrape else None
        last = time.perf_counter()
        end = last + _WATCHED_S
        while last < end:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            waits.append((now - last) * 1e3 - 1)
            last = now
        if scraper is not None:
            scraper.kill()
            await scraper.wait()
    return sorted(waits)
