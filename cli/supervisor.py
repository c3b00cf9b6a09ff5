"""Keep programs running: restart those that end, with exponential backoff, and stop all in order."""

import asyncio
import random
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from cli.child import Child, Program
from cli.output import Output
from services.platform.retry import Backoff, Retry

_BACKOFF = Backoff(first_s=0.2, longest_s=10.0)
# A program that has run for longer starts again with the shortest pause.
_STABLE_AFTER_S = 60.0
_ENDED_S = 2.0

Start = Callable[[Program, Output], Awaitable[Child]]
"""Starts a program; raises OSError if it cannot be started."""


class Supervisor:
    """Runs programs until it is stopped.

    Args:
        output: prints messages about restarts.
        draw: returns a random number from 0 to 1, for the jitter of the pause before a restart.
    """

    def __init__(self, output: Output, draw: Callable[[], float] = random.random) -> None:
        self._output = output
        self._draw = draw
        self._stopping = asyncio.Event()
        self._restarters: dict[str, asyncio.Task[None]] = {}
        self._children: dict[str, Child] = {}

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the running programs, by name."""
        return {name: child.pid for name, child in self._children.items()}

    def run_program(self, program: Program, start: Start = Child.start) -> None:
        """Start a program, and restart it whenever it ends.

        Args:
            program: the program.
            start: starts it; by default as a new process.
        """
        self._restarters[program.name] = asyncio.create_task(self._restart_loop(program, start))

    async def stop(self, stages: Sequence[Sequence[str]], patience_s: Sequence[float]) -> None:
        """Stop everything, stage by stage.

        Args:
            stages: the names of the programs; those of a stage are stopped concurrently, one stage after the other.
            patience_s: how long to wait before killing a program, for each stage, in seconds.
        """
        self._stopping.set()
        for names, patience in zip(stages, patience_s, strict=True):
            running = [self._children[name] for name in names if name in self._children]
            await asyncio.gather(*(child.stop(patience) for child in running))
        # Each restart loop ends by itself once stopping is set, even if it is starting its program.
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDED_S):
                await asyncio.gather(*self._restarters.values(), return_exceptions=True)

    def kill(self) -> None:
        """Kill all programs."""
        self._stopping.set()
        for child in self._children.values():
            child.kill()

    async def _restart_loop(self, program: Program, start: Start) -> None:
        retry = Retry(_BACKOFF, self._draw)
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                child = self._children[program.name] = await start(program, self._output)
                if self._stopping.is_set():  # during the start
                    child.kill()
                ended = _ended(await child.wait())
            except (OSError, subprocess.SubprocessError) as error:
                ended = f"could not be started: {error}"
            self._children.pop(program.name, None)
            if self._stopping.is_set():
                return
            if time.monotonic() - started > _STABLE_AFTER_S:
                retry.succeeded()
            pause_s = retry.failed_s()
            self._output.say(f"{program.name} {ended}; restarting in {pause_s:.1f} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()


def _ended(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with code {code}"
