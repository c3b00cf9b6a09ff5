"""The duration and CPU time of a second start, and the memory of an idle stack."""

import statistics
import time
from contextlib import suppress
from pathlib import Path

import psutil

from bench.report import Line, at_most, figure
from tests.support.stack import Stack, until

_MB = 1024 * 1024
_STARTS = 3
# The fork server falls asleep after 30 s without work; Envoy and the services have finished their start before that.
_SETTLED_S = 120.0


def measure(folder: Path) -> list[Line]:
    """Start several times, measure, stop."""
    stack = Stack(data_dir=folder / "rest")
    stack.start()
    stops = [stack.stop()]
    seconds, cpu = [], []
    for _ in range(_STARTS):
        begun = time.monotonic()
        stack.start()
        seconds.append(time.monotonic() - begun)
        cpu.append(sum(map(_used, _family(stack))) + _used_by_ended(stack))
        if len(seconds) < _STARTS:
            stops.append(stack.stop())
    until(lambda: any(map(_is_asleep, _family(stack))), _SETTLED_S)
    memory = sum(map(_memory, _family(stack)))
    stops.append(stack.stop())
    return [
        at_most("second start until healthy", statistics.median(seconds), "s", 2),
        figure("its CPU, of all processes", statistics.median(cpu), "s"),
        at_most("memory of all processes at rest (PSS)", memory / _MB, "MB", 300),
        at_most("orderly stop", max(stops), "s", 10),
    ]


def _family(stack: Stack) -> list[psutil.Process]:
    return [psutil.Process(stack.pid), *stack.children()]


# A process of PostgreSQL may end between two reads: there is one for each connection, and some of autovacuum.
def _is_asleep(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "".join(process.cmdline()[-1:]).endswith("fork_server_asleep.py")
    return False


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_full_info().pss)
    return 0


def _used(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _used_by_ended(stack: Stack) -> float:
    """Return the CPU time of the ended processes that the supervisor started and waited for."""
    times = psutil.Process(stack.pid).cpu_times()
    return float(times.children_user + times.children_system)
