"""How long a second start takes, how much CPU it costs, and how much memory a stack at rest holds."""

import statistics
import time
from pathlib import Path

import psutil

from bench.report import Line, at_most, told
from tests.support.stack import Stack

_MB = 1024 * 1024
_STARTS = 3
# By then Envoy has given back what its start needed, the services have done what they do first, and what they were
# forked from is asleep.
_SETTLED_S = 40.0


def measure(folder: Path) -> list[Line]:
    """Start several times, look, stop."""
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
    time.sleep(_SETTLED_S)
    memory = sum(each.memory_full_info().pss for each in _family(stack))
    stops.append(stack.stop())
    return [
        at_most("second start until healthy", statistics.median(seconds), "s", 2),
        told("its CPU, of all processes", statistics.median(cpu), "s"),
        at_most("memory of all processes at rest (PSS)", memory / _MB, "MB", 300),
        at_most("orderly stop", max(stops), "s", 10),
    ]


def _family(stack: Stack) -> list[psutil.Process]:
    return [psutil.Process(stack.pid), *stack.children()]


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _used_by_ended(stack: Stack) -> float:
    """Return the CPU of what the supervisor has started and waited for."""
    times = psutil.Process(stack.pid).cpu_times()
    return float(times.children_user + times.children_system)
