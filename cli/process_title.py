"""The command line that `ps` shows of a process, replaced in place."""

import ctypes
from collections.abc import Sequence
from pathlib import Path

_STAT = Path("/proc/self/stat")
_ARG_START, _ARG_END = 45, 46  # fields 48 and 49 of proc(5), as indexes after the first two


def set_title(argv: Sequence[str]) -> None:
    """Replace the command line that `ps` shows, truncated to the length of the original one."""
    fields = _STAT.read_text().rpartition(")")[2].split()
    start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    room = end - start
    # If the last byte is not NUL, the kernel also shows the environment, which follows.
    title = b"".join(part.encode() + b"\0" for part in argv)[: room - 1].ljust(room, b"\0")
    ctypes.memmove(start, title, room)
