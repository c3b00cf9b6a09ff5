"""Run a command on a terminal, as a user does: read its output and press keys."""

import os
import pty
import re
import select
import sys
import time
from collections.abc import Sequence
from typing import Self

from tools.system.errors import SystemTestError

CTRL_C = b"\x03"
_BLOCK = 4096
_COLOUR = re.compile(r"\x1b\[\d*m")


class Terminal:
    """A command on a new terminal.

    Args:
        argv: the command.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._seen = ""
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            try:
                os.execvp(argv[0], list(argv))  # noqa: S606 — no shell is needed
            finally:
                os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        os.close(self._screen)  # sends SIGHUP to processes that still run
        if kind is not None:
            os.waitpid(self._pid, 0)

    def wait_for(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """Wait for a further line of output that matches; return the match.

        Raises:
            SystemTestError: no line matches in time, or the command has ended.
        """
        end = time.monotonic() + timeout_s
        while (found := re.search(pattern, self._seen, re.MULTILINE)) is None:
            if not self._read(end):
                raise SystemTestError(f"the command exited before it printed {pattern!r}")
        self._seen = self._seen[found.end() :]
        return found

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._screen, key)

    def wait(self, timeout_s: float) -> int:
        """Wait for the command's end; return its exit code.

        Raises:
            SystemTestError: it does not end in time.
        """
        end = time.monotonic() + timeout_s
        while self._read(end):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self, end: float) -> bool:
        """Read the next output; return whether the command still runs."""
        if not select.select([self._screen], [], [], max(0, end - time.monotonic()))[0]:
            raise SystemTestError("the command did not respond in time")
        try:
            text = os.read(self._screen, _BLOCK).decode(errors="replace").replace("\r\n", "\n")
        except OSError:  # EIO: no process has the terminal open
            return False
        sys.stdout.write(text)
        sys.stdout.flush()
        self._seen = _COLOUR.sub("", self._seen + text)
        return bool(text)
