"""A child process: it has its own session, ends with its parent, has its output printed, and is stopped gracefully."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

from cli.forked import ForkedProcess
from cli.output import Output
from cli.parent_death import end_with_parent
from services.platform.configuration.settings import Settings

_LINE_LIMIT = 1024 * 1024
_KILL_AFTER_S = 0.5
_LAST_LINES_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to run.

    Attributes:
        name: its name in the output.
        argv: the command line.
        environment: variables in addition to those inherited; encryption keys are not inherited, because few programs
            need them.
        cwd: the working directory; None for that of this process.
        uid: the user to run it as; None for that of this process.
        gid: the group to run it as; None for that of this process.
        stop_signal: the signal that requests a graceful stop.
        kill_signal: the signal that follows if it does not stop in time; after that its process group is killed.
        parent_death_signal: the signal that the kernel sends when this process dies.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: Path | None = None
    uid: int | None = None
    gid: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    kill_signal: signal.Signals = signal.SIGKILL
    parent_death_signal: signal.Signals = signal.SIGKILL


class Child:
    """A running program.

    Args:
        process: the process, which leads its own session.
        lines: the output of the process and its descendants.
        pipe: the pipe of that output.
        program: the program.
        output: prints the lines.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process | ForkedProcess,
        lines: asyncio.StreamReader,
        pipe: asyncio.ReadTransport,
        program: Program,
        output: Output,
    ) -> None:
        self._process = process
        self._lines = lines
        self._pipe = pipe
        self._program = program
        self._output = output
        self._pump = asyncio.create_task(self._print())

    @classmethod
    async def start(cls, program: Program, output: Output) -> "Child":
        """Start a program.

        Raises:
            OSError: it cannot be started.
        """
        # Not a pipe of asyncio, whose wait() also waits for the pipe, which descendants of a dead child may hold open.
        reading, writing = os.pipe()
        source = os.fdopen(reading, "rb", buffering=0)
        try:
            process = await asyncio.create_subprocess_exec(
                *program.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                env={**inherited(), **program.environment},
                cwd=program.cwd,
                user=program.uid,
                group=program.gid,
                extra_groups=None if program.uid is None else [],
                # Ctrl-C on the terminal signals this process only, which stops its children gracefully.
                start_new_session=True,
                preexec_fn=end_with_parent(program.parent_death_signal),
            )
        except BaseException:
            source.close()
            raise
        finally:
            os.close(writing)
        return await cls._reading(source, process, program, output)

    @classmethod
    async def adopt(cls, process: ForkedProcess, printed: int, program: Program, output: Output) -> "Child":
        """Return a child for a process that already runs a program.

        Args:
            process: the process, which leads its own session.
            printed: the file descriptor from which to read its output.
            program: the program.
            output: prints the lines.
        """
        return await cls._reading(os.fdopen(printed, "rb", buffering=0), process, program, output)

    @classmethod
    async def _reading(
        cls, source: FileIO, process: asyncio.subprocess.Process | ForkedProcess, program: Program, output: Output
    ) -> "Child":
        lines = asyncio.StreamReader(limit=_LINE_LIMIT)
        loop = asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), source)
        return cls(process, lines, pipe, program, output)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end, then kill its process group; return the exit code, or minus the signal that ended it."""
        code = await self._process.wait()
        self._kill_group()
        # A descendant in another session may still hold the pipe open.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LINES_S):
                await self._pump
        self._pipe.close()
        return code

    async def stop(self, patience_s: float) -> None:
        """Request a graceful stop; if it does not end in time, send `kill_signal`, then kill its process group.

        Args:
            patience_s: how long to wait after the first signal, in seconds.
        """
        if await self._ends_within(self._program.stop_signal, patience_s):
            return
        self._output.say(f"{self._program.name} did not stop within {patience_s:g} s; killing it")
        if not await self._ends_within(self._program.kill_signal, _KILL_AFTER_S):
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """Kill its process group."""
        if self._process.returncode is None:
            self._kill_group()

    async def _ends_within(self, number: signal.Signals, patience_s: float) -> bool:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        try:
            async with asyncio.timeout(patience_s):
                await self._process.wait()
        except TimeoutError:
            return False
        return True

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _print(self) -> None:
        while True:
            try:
                line = await self._lines.readline()
            except ValueError:  # a line above the limit, which asyncio has dropped
                continue
            if not line:
                return
            self._output.line(self._program.name, line.decode(errors="replace").rstrip())


def inherited() -> dict[str, str]:
    """Return the environment that each child inherits: all variables but the encryption keys."""
    return {name: value for name, value in os.environ.items() if name != Settings.secrets_keys.name}
