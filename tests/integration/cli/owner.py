"""A process that runs programs as `up` does, for tests to kill: `python -m tests.integration.cli.owner KIND FOLDER`."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.child import Program
from cli.fork_client import ForkServer
from cli.output import Output
from cli.postgres import EmbeddedPostgres
from cli.supervisor import Supervisor

STUBBORN = """
import os, signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
inner = subprocess.Popen(["sleep", "60"])
print("pids", os.getpid(), inner.pid, flush=True)
signal.pause()
"""
SLEEP = "import os, signal; print('pid', os.getpid(), flush=True); signal.pause()"
_FORKABLE = "tests.integration.cli.forkable"


@contextmanager
def owner(kind: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that owns a program; killed at the latest when the block ends.

    Args:
        kind: stubborn, forked or postgres.
        folder: for the cluster and its socket.
    """
    command = [sys.executable, "-m", "tests.integration.cli.owner", kind, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def _own(program: Program) -> None:
    supervisor = Supervisor(Output())
    supervisor.run_program(program)
    await asyncio.Event().wait()


async def _own_fork() -> None:
    forks, supervisor = ForkServer((_FORKABLE,), idle_s=0.1), Supervisor(Output())
    supervisor.run_program(forks.program, forks.start)
    supervisor.run_program(
        Program(name="forked", argv=(sys.executable, "-m", _FORKABLE), environment={"CODE": SLEEP}), forks.fork
    )
    await asyncio.Event().wait()


def main() -> None:
    """Run what is asked for until killed."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    if kind == "stubborn":
        asyncio.run(_own(Program(name="stubborn", argv=(sys.executable, "-c", STUBBORN))))
    if kind == "forked":
        asyncio.run(_own_fork())
    postgres = EmbeddedPostgres(folder / "data", folder / "s")
    postgres.prepare()
    asyncio.run(_own(postgres.program()))


if __name__ == "__main__":
    main()
