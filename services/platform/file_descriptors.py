"""Warnings about the limit on file descriptors, at start and at run time."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from services.platform import logs
from services.platform.file_limit import HOW, limit, shortage

_log = logs.get("file_descriptors")
_OPEN = Path("/proc/self/fd")
_POLL_S = 5.0
_NEARLY = 0.9


class DescriptorWatch:
    """A watch on the number of open files of this process.

    Args:
        need: the maximum number of files that it opens.
        count_open: returns the number of open files; by default from the kernel.
    """

    def __init__(self, need: int, count_open: Callable[[], int] = lambda: sum(1 for _ in _OPEN.iterdir())) -> None:
        self._shortage = shortage("this process", need)
        self._count_open = count_open
        self._exhausted: str | None = None
        if self._shortage:
            _log.warning("file descriptor limit too low", need=need, actual=limit(), fix=HOW)

    def warnings(self) -> list[str]:
        """Return the present warnings, one message each."""
        return [warning for warning in (self._shortage, self._exhausted) if warning]

    async def run(self) -> None:
        """Check the number of open files every 5 s, until cancelled."""
        while True:
            self.check()
            await asyncio.sleep(_POLL_S)

    def check(self) -> None:
        """Check once, and log a change."""
        most = limit()
        try:
            now = self._count_open()
        except OSError:  # counting them opens one more
            now = most
        before, self._exhausted = self._exhausted, None
        if now >= most * _NEARLY:
            self._exhausted = f"this process uses {now} of {most} file descriptors; {HOW}"
            if before is None:
                _log.error("file descriptors nearly exhausted", open=now, limit=most, fix=HOW)
        elif before is not None:
            _log.info("file descriptor usage back to normal", open=now, limit=most)
