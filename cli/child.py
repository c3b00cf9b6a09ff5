"""One process that we run: started in a session of its own, tethered to us, its lines printed, stopped in order."""

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
from cli.tether import tethered
from services.platform.configuration.settings import Settings

_LINE_LIMIT = 1024 * 1024
_INSIST_S = 0.5
_LAST_LINES_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run.

    Attributes:
        name: how we call it.
        argv: the command.
        environment: added to our own, but for the keys of secrets: few need those.
        cwd: where it runs; None for where we do.
        uid: the user to run it as; None for ourselves.
        gid: and the group.
        stop_with: what asks it to end in order.
        insist_with: what it gets when it does not; after that it is killed.
        orphaned_by: what the kernel sends it when we are killed.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: Path | None = None
    uid: int | None = None
    gid: int | None = None
    stop_with: signal.Signals = signal.SIGTERM
    insist_with: signal.Signals = signal.SIGKILL
    orphaned_by: signal.Signals = signal.SIGKILL


class Child:
    """A running program.

    Args:
        process: as it was started.
        lines: what it and all that it starts print.
        pipe: through which it comes.
        program: what it runs.
        output: where its lines go.
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
        # A pipe of our own: asyncio's wait() for its pipes too, which what a dead child has started may hold open.
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
                # The terminal's Ctrl-C reaches us alone; we stop our children in order.
                start_new_session=True,
                preexec_fn=tethered(program.orphaned_by),
            )
        except BaseException:
            source.close()
            raise
        finally:
            os.close(writing)
        return await cls._reading(source, process, program, output)

    @classmethod
    async def adopt(cls, process: ForkedProcess, printed: int, program: Program, output: Output) -> "Child":
        """Take over a process that runs a program already.

        Args:
            process: leads a session of its own.
            printed: the file descriptor to read from what it prints.
            program: what it runs.
            output: where its lines go.
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
        """Its process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end, and end what it has left; answers the exit code, or minus the signal that ended it."""
        code = await self._process.wait()
        self._kill_group()
        # What has moved to a session of its own may still hold the pipe.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LINES_S):
                await self._pump
        self._pipe.close()
        return code

    async def stop(self, patience_s: float) -> None:
        """Ask it to end; insist if it does not in time; then kill it and all that it started."""
        if await self._ends_by(self._program.stop_with, patience_s):
            return
        self._output.say(f"{self._program.name} did not stop within {patience_s:g} s; killing it")
        if not await self._ends_by(self._program.insist_with, _INSIST_S):
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._process.returncode is None:
            self._kill_group()

    async def _ends_by(self, number: signal.Signals, patience_s: float) -> bool:
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
            except ValueError:  # longer than the limit; asyncio has dropped it
                continue
            if not line:
                return
            self._output.line(self._program.name, line.decode(errors="replace").rstrip())


def inherited() -> dict[str, str]:
    """Return what each process gets of our environment."""
    return {name: value for name, value in os.environ.items() if name != Settings.secrets_keys.name}
