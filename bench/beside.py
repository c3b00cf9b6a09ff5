"""Comparisons for our figures: the same target and machine, in turns, and bare handshakes in C."""

import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port

_ROUNDS = 3
_S_TIME_S = 2
_PATIENCE_S = 10.0
_NAP_S = 0.05

Measured = Callable[[], float]
"""Runs one round; returns the CPU time per probe in microseconds."""


def in_turns(rounds: Mapping[str, Measured]) -> Mapping[str, float]:
    """Return the minimum of a few rounds of each, in turns, to exclude other load of the machine."""
    seen: dict[str, list[float]] = {name: [] for name in rounds}
    for _ in range(_ROUNDS):
        for name, run in rounds.items():
            seen[name].append(run())
    return {name: min(values) for name, values in seen.items()}


@contextmanager
def serving(pem: Path | None) -> Iterator[int]:
    """Yield the port of a cheap target in its own process, with TLS if a PEM file is given."""
    port = free_port()
    with _running("tests.support.cheap_target", str(port), *([str(pem)] if pem else [])):
        wait_for(port)
        yield port


@contextmanager
def answering(kind: str) -> Iterator[int]:
    """Yield the port of a cheap target for another kind of check (bench/answers.py)."""
    with _running("bench.answers", kind) as process:
        yield int(process.stdout.readline() if process.stdout else "")


@contextmanager
def _running(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(port: int) -> None:
    """Wait until a port accepts connections."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(_NAP_S)
        else:
            return


def s_time(port: int, authority: Path) -> float:
    """Return the CPU time of a handshake that `openssl s_time` makes and verifies, in microseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-time", str(_S_TIME_S),  # noqa: S607 — the one on PATH
         "-verify", "2", "-CAfile", str(authority)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    count = re.search(r"(\d+) connections in", done.stdout)
    if count is None:
        raise RuntimeError(f"openssl s_time said nothing of its connections: {done.stdout[-200:]}")
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / int(count[1]) * 1e6
