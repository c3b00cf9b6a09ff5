"""A thousand readers of the same 200 services through Envoy, all on the same machine.

Each change of a service is sent to all of them: the delay is from before the call that changes it to its arrival. The
readers run in a separate process (bench/watchers.py).
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import psutil

from bench.report import Line, at_most, figure
from tests.support.stack import Stack, Team

READERS = 1_000
SERVICES = 200
CHANGES = 40
_EVERY_S = 0.5
_LAST_S = 3.0


def measure(folder: Path) -> list[Line]:
    """Measure the delays."""
    stack = Stack(data_dir=folder / "watch")
    stack.start()
    try:
        with Team(stack) as team:
            services = [team.service() for _ in range(SERVICES)]
            return _measure(stack, team, services)
    finally:
        stack.stop()


def _measure(stack: Stack, team: Team, services: list[str]) -> list[Line]:
    monitor = stack.child("services.monitor.app")
    memory = monitor.memory_info().rss
    watchers = subprocess.Popen(
        [sys.executable, "-m", "bench.watchers", stack.address, str(READERS)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if watchers.stdin is None or watchers.stdout is None:
        raise RuntimeError("both were asked for")
    first = _ask(watchers.stdin, watchers.stdout, team.tokens["accessToken"])
    memory = monitor.memory_info().rss - memory
    again = _ask(watchers.stdin, watchers.stdout, "again")
    before = _cpu(monitor)
    for number in range(CHANGES):
        team.client.patch(f"/services/{services[number]}", json={"name": str(time.time_ns())}).raise_for_status()
        time.sleep(_EVERY_S)
    time.sleep(_LAST_S)
    spent = _cpu(monitor) - before
    seen = _ask(watchers.stdin, watchers.stdout, "enough")
    watchers.wait(10)
    return [
        figure(f"{READERS} readers receive {SERVICES} services within", first["took_s"], "s"),
        figure("the same, resumed where nothing had changed, within", again["took_s"], "s"),
        at_most("services received again then", float(again["received"]), "services", 0),
        at_most("changes that did not reach a reader", float(CHANGES * READERS - seen["changes"]), "changes", 0),
        figure("a change to its arrival p50", seen["p50"], "ms"),
        at_most("a change to its arrival p99", seen["p99"], "ms", 1_000),
        figure("CPU of monitor for each change and reader", spent * 1e6 / (CHANGES * READERS), "us"),
        figure("memory of monitor for them (RSS)", memory / 2**20, "MB"),
    ]


def _ask(to: IO[str], of: IO[str], line: str) -> dict[str, float]:
    to.write(line + "\n")
    to.flush()
    answer: dict[str, float] = json.loads(of.readline())
    return answer


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
