"""A command at a terminal, as a person runs it: what it prints is seen, and keys are pressed."""

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
    """A command at a terminal of its own.

    Args:
        argv: the command.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._seen = ""
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            try:
                os.execvp(argv[0], list(argv))  # noqa: S606 — no shell is wanted
            finally:
                os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        os.close(self._screen)  # which hangs up on what still runs
        if kind is not None:
            os.waitpid(self._pid, 0)

    def wait_for(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """Return when a line that was not seen before matches.

        Raises:
            SystemTestError: none does in time, or the command has ended.
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
        """Wait for the command's end; answers its exit code.

        Raises:
            SystemTestError: it does not end in time.
        """
        end = time.monotonic() + timeout_s
        while self._read(end):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self, end: float) -> bool:
        """Read what is printed next; answers whether the command still runs."""
        if not select.select([self._screen], [], [], max(0, end - time.monotonic()))[0]:
            raise SystemTestError("the command did not respond in time")
        try:
            text = os.read(self._screen, _BLOCK).decode(errors="replace").replace("\r\n", "\n")
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        sys.stdout.write(text)
        sys.stdout.flush()
        self._seen = _COLOUR.sub("", self._seen + text)
        return bool(text)
