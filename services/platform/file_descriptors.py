"""How many files a process may open: sockets, mostly. Too few are reported, at start and while it runs."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from services.platform import logs
from services.platform.file_limit import HOW, limit, shortage

_log = logs.get("file_descriptors")
_OPEN = Path("/proc/self/fd")
_LOOK_S = 5.0
_NEARLY = 0.9


class DescriptorWatch:
    """Warns while this process has nearly as many files open as it may.

    Args:
        need: how many it opens at the most.
        count_open: how many are open now; the default asks the kernel.
    """

    def __init__(self, need: int, count_open: Callable[[], int] = lambda: sum(1 for _ in _OPEN.iterdir())) -> None:
        self._shortage = shortage("this process", need)
        self._count_open = count_open
        self._exhausted: str | None = None
        if self._shortage:
            _log.warning("file descriptor limit too low", need=need, actual=limit(), fix=HOW)

    def warnings(self) -> list[str]:
        """Return what is wrong now, in sentences."""
        return [warning for warning in (self._shortage, self._exhausted) if warning]

    async def run(self) -> None:
        """Look at the number of open files, for ever."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_S)

    def look(self) -> None:
        """Look once."""
        most = limit()
        try:
            now = self._count_open()
        except OSError:  # to count them takes one more
            now = most
        before, self._exhausted = self._exhausted, None
        if now >= most * _NEARLY:
            self._exhausted = f"this process uses {now} of {most} file descriptors; {HOW}"
            if before is None:
                _log.error("file descriptors nearly exhausted", open=now, limit=most, fix=HOW)
        elif before is not None:
            _log.info("file descriptor usage back to normal", open=now, limit=most)
