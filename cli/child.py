"""One process that we run: started in a session of its own, tethered to us, its lines printed, stopped in order."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cli.output import Output
from cli.tether import tethered

_LINE_LIMIT = 1024 * 1024
_KILL_S = 2.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    Attributes:
        name: how we call it.
        argv: the command.
        environment: added to our own.
        cwd: where it runs; None for where we do.
        uid: the user to run it as; None for ourselves.
        gid: and the group.
        stop_with: what asks it to end in order.
        orphaned_by: what the kernel sends it when we are killed.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    uid: int | None = None
    gid: int | None = None
    stop_with: signal.Signals = signal.SIGTERM
    orphaned_by: signal.Signals = signal.SIGKILL


class Child:
    """A running program.

    Args:
        process: as asyncio started it.
        program: what it runs.
        output: where its lines go.
    """

    def __init__(self, process: asyncio.subprocess.Process, program: Program, output: Output) -> None:
        self._process = process
        self._program = program
        self._output = output
        self._pump = asyncio.create_task(self._print())

    @classmethod
    async def start(cls, program: Program, output: Output) -> "Child":
        """Start a program.

        Raises:
            OSError: it cannot be started.
        """
        process = await asyncio.create_subprocess_exec(
            *program.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **program.environment},
            cwd=program.cwd,
            user=program.uid,
            group=program.gid,
            extra_groups=None if program.uid is None else [],
            # The terminal's Ctrl-C reaches us alone; we stop our children in order.
            start_new_session=True,
            preexec_fn=tethered(program.orphaned_by),
            limit=_LINE_LIMIT,
        )
        return cls(process, program, output)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end; answers the exit code, or minus the signal that ended it."""
        code = await self._process.wait()
        await self._pump
        return code

    async def stop(self, patience_s: float) -> None:
        """Ask it to end, and end it and all it started if it does not in time."""
        with suppress(ProcessLookupError):
            self._process.send_signal(self._program.stop_with)
        try:
            await asyncio.wait_for(self._process.wait(), patience_s)
        except TimeoutError:
            self._output.say(f"{self._program.name} does not stop in {patience_s:g} s; killing it")
            self.kill()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _KILL_S)

    def kill(self) -> None:
        """End it and all that it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _print(self) -> None:
        lines = self._process.stdout
        if lines is None:
            return
        while True:
            try:
                line = await lines.readline()
            except ValueError:  # longer than the limit; asyncio has dropped it
                continue
            if not line:
                return
            self._output.line(self._program.name, line.decode(errors="replace").rstrip())
