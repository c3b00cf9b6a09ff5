"""Scheduled probes at a rate, on one worker, with PostgreSQL and the target on the same machine.

Ten tenants with 1,000 checks each, every 5 s, are 2,000 probes a second. Start lag is from the slot to the run's begin,
as recorded. CPU is that of the worker process over the window, all it does included, divided by the results of the
window. Delay to the reader is from the end of a run to its arrival at a gRPC client behind Envoy that reads its
tenant's stream; then the same with a reader for each tenant at once, who read all that is recorded.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import psutil
from google.protobuf.duration_pb2 import Duration
from sentinel.monitor.v1 import check_pb2, monitor_service_pb2
from sentinel.monitor.v1.monitor_service_pb2_grpc import MonitorServiceStub
from sentinel.probe.v1 import probe_service_pb2
from sentinel.probe.v1.probe_service_pb2_grpc import ProbeServiceStub

from bench.report import Line, at_least, at_most, told
from tests.e2e.stack import Stack, Team, free_port

TENANTS = 10
CHECKS = 10_000
INTERVAL_S = 5
WINDOW_S = 60
STREAM_S = 20
_SETTLE_S = 12
_AT_ONCE = 4

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
    """Run it."""
    port = free_port()
    target = subprocess.Popen([sys.executable, "-m", "bench.target", str(port)])
    stack = Stack(folder / "load")
    stack.start()
    try:
        teams = [Team(stack) for _ in range(TENANTS)]
        lines = asyncio.run(_measure(stack, teams, port))
        for team in teams:
            team.client.close()
        return lines
    finally:
        stack.stop()
        target.kill()
        target.wait()


async def _measure(stack: Stack, teams: list[Team], port: int) -> list[Line]:
    async with grpc.aio.insecure_channel(stack.address) as channel:
        monitor, probe = MonitorServiceStub(channel), ProbeServiceStub(channel)
        begun = time.monotonic()
        await asyncio.gather(*(_create(monitor, team, f"http://127.0.0.1:{port}/") for team in teams))
        seconds = time.monotonic() - begun
        await asyncio.sleep(_SETTLE_S)
        worker = stack.child("services.worker.app")
        postgres = [each for each in stack.children() if "postgres" in each.name()]
        start, cpu, database = time.time(), _cpu(worker), sum(map(_cpu, postgres))
        await asyncio.sleep(WINDOW_S)
        cpu, database = _cpu(worker) - cpu, sum(map(_cpu, postgres)) - database
        end = start + WINDOW_S
        one = await _read(probe, teams[0])
        read = await asyncio.gather(*(_read(probe, team) for team in teams))
        every = [delay for delays in read for delay in delays]
    run_dir = (stack.data_dir / "run").readlink()
    admin = await asyncpg.connect(f"postgresql://postgres@/sentinel?host={run_dir / 'postgres'}")
    row = await admin.fetchrow(_FIGURES, start, end)
    await admin.close()
    if row is None:
        raise RuntimeError("an aggregate has always one row")
    rate = CHECKS / INTERVAL_S
    return [
        told("checks created through Envoy", CHECKS / seconds, "checks/s"),
        at_least(f"probes on one worker for {WINDOW_S} s", row["up"] / WINDOW_S, "probes/s", rate * 0.999),
        at_most("slots MISSED", float(row["missed"]), "slots", 0),
        at_most("slots DOWN or ERROR", float(row["bad"]), "slots", 0),
        told("start lag p50", row["p50"], "ms"),
        at_most("start lag p99", row["p99"], "ms", 50),
        at_most("CPU of the worker", cpu * 1e6 / row["up"], "us/probe", 200),
        told("CPU of PostgreSQL", database * 1e6 / row["up"], "us/probe"),
        told("result to the stream's reader p50", _percentile(one, 0.5), "ms"),
        at_most("result to the stream's reader p99", _percentile(one, 0.99), "ms", 250),
        told(f"results to {TENANTS} readers of all", len(every) / STREAM_S, "results/s"),
        told(f"result to one of {TENANTS} readers p50", _percentile(every, 0.5), "ms"),
        told(f"result to one of {TENANTS} readers p99", _percentile(every, 0.99), "ms"),
    ]


async def _create(monitor: Any, team: Team, url: str) -> None:  # noqa: ANN401 — typed as the stub of the other, synchronous channel
    """Make a tenant's checks."""
    service = team.service("load")
    numbers = iter(range(CHECKS // TENANTS))
    spec = check_pb2.HttpCheck(url=url)

    async def create() -> None:
        for number in numbers:
            check = check_pb2.Check(
                name=f"check {number}", http=spec, interval=Duration(seconds=INTERVAL_S), timeout=Duration(seconds=2)
            )
            request = monitor_service_pb2.CreateCheckRequest(service_id=service, check=check)
            await monitor.CreateCheck(request, metadata=team.metadata)

    await asyncio.gather(*(create() for _ in range(_AT_ONCE)))


async def _read(probe: Any, team: Team) -> list[float]:  # noqa: ANN401 — as above
    """Milliseconds from the end of each run to its arrival here."""
    delays = []
    end = time.monotonic() + STREAM_S
    stream = probe.StreamResults(probe_service_pb2.StreamResultsRequest(), metadata=team.metadata)
    async for event in stream:
        if event.WhichOneof("event") == "result":
            result = event.result.result
            ended_ns = result.start_time.ToNanoseconds() + result.total.ToNanoseconds()
            delays.append((time.time_ns() - ended_ns) / 1e6)
        if time.monotonic() > end:
            break
    stream.cancel()
    return delays


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]
