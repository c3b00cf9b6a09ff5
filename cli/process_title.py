"""The command line that `ps` shows of a process, replaced in place."""

import ctypes
from collections.abc import Sequence
from pathlib import Path

_STAT = Path("/proc/self/stat")
_ARG_START, _ARG_END = 45, 46  # proc(5): fields 48 and 49; the name before them is cut off with the first two


def set_title(argv: Sequence[str]) -> None:
    """Show another command line, as far as there is room in that of the process."""
    fields = _STAT.read_text().rpartition(")")[2].split()
    start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    room = end - start
    # The kernel reads on into the environment unless the last byte is NUL.
    title = b"".join(part.encode() + b"\0" for part in argv)[: room - 1].ljust(room, b"\0")
    ctypes.memmove(start, title, room)
