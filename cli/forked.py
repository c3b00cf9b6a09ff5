"""A child process that asyncio has not started; its end is awaited by a file descriptor (pidfd_open(2))."""

import asyncio
import os
import signal

_UNKNOWN = 255


class ForkedProcess:
    """The counterpart of asyncio's Process for a process that asyncio has not started.

    Args:
        pid: a child process, started or adopted, that no other code waits for.

    Attributes:
        pid: as given.
        returncode: the exit code, or minus the signal that ended it; None while it runs.

    Raises:
        OSError: there is no such process.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._file = os.pidfd_open(pid)
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._reap)

    async def wait(self) -> int:
        """Wait for its end; return `returncode`."""
        await self._ended.wait()
        return _UNKNOWN if self.returncode is None else self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._file, number)

    def _reap(self) -> None:
        self._loop.remove_reader(self._file)
        os.close(self._file)
        try:
            _, status = os.waitpid(self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            self.returncode = _UNKNOWN
        self._ended.set()
