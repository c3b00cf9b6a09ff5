"""How long a second start takes, and how much memory a stack at rest holds."""

import time
from pathlib import Path

import psutil

from bench.report import Line, at_most
from tests.e2e.stack import Stack

_MB = 1024 * 1024


def measure(folder: Path) -> list[Line]:
    """Start twice, look, stop."""
    stack = Stack(data_dir=folder / "rest")
    stack.start()
    first_stop = stack.stop()
    begun = time.monotonic()
    stack.start()
    seconds = time.monotonic() - begun
    family = [psutil.Process(stack.process.pid), *stack.children()]
    memory = sum(each.memory_full_info().pss for each in family)
    last_stop = stack.stop()
    return [
        at_most("second start until healthy", seconds, "s", 5),
        at_most("memory of all processes at rest (PSS)", memory / _MB, "MB", 500),
        at_most("orderly stop", max(first_stop, last_stop), "s", 10),
    ]
