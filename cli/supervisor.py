"""Keep programs running: restart what dies, with exponential backoff, and stop all in order."""

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
# What ran for longer did not fail because it was just started.
_STEADY_S = 60.0
_ENDED_S = 2.0

Start = Callable[[Program, Output], Awaitable[Child]]
"""Starts a program; raises OSError if it cannot be started."""


class Supervisor:
    """Runs programs until told to stop.

    Args:
        output: where to say what happens.
        draw: returns a random number from 0 to 1, for the pauses before a restart.
    """

    def __init__(self, output: Output, draw: Callable[[], float] = random.random) -> None:
        self._output = output
        self._draw = draw
        self._stopping = asyncio.Event()
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._children: dict[str, Child] = {}

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of what runs now, by name."""
        return {name: child.pid for name, child in self._children.items()}

    def keep(self, program: Program, start: Start = Child.start) -> None:
        """Start a program, and start it again whenever it dies.

        Args:
            program: what to run.
            start: how to start it; as a program of its own by default.
        """
        self._keepers[program.name] = asyncio.create_task(self._keep(program, start))

    async def stop(self, stages: Sequence[Sequence[str]], patience_s: Sequence[float]) -> None:
        """Stop everything, stage by stage.

        Args:
            stages: the names to stop at once, in the order to stop them.
            patience_s: how long each stage may take before it is killed.
        """
        self._stopping.set()
        for names, patience in zip(stages, patience_s, strict=True):
            running = [self._children[name] for name in names if name in self._children]
            await asyncio.gather(*(child.stop(patience) for child in running))
        # Each keeper sees for itself that it is over: also one that was just starting its program.
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDED_S):
                await asyncio.gather(*self._keepers.values(), return_exceptions=True)

    def kill(self) -> None:
        """End everything at once."""
        self._stopping.set()
        for child in self._children.values():
            child.kill()

    async def _keep(self, program: Program, start: Start) -> None:
        retry = Retry(_BACKOFF, self._draw)
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                child = self._children[program.name] = await start(program, self._output)
                if self._stopping.is_set():  # while it started
                    child.kill()
                ended = _ended(await child.wait())
            except (OSError, subprocess.SubprocessError) as error:
                ended = f"could not be started: {error}"
            self._children.pop(program.name, None)
            if self._stopping.is_set():
                return
            if time.monotonic() - started > _STEADY_S:
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
