"""Folders for what tests write: in memory if there is room, because a database on disk waits at each checkpoint."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 — the folder made in it is ours alone
_ROOM_BYTES = 4 << 30


def memory() -> Path | None:
    """Return the folder of a file system in memory; None if there is none with room for databases."""
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES else None


@contextmanager
def short_folder(*, on_disk: bool = False) -> Iterator[Path]:
    """Create a folder with a short path (a socket's has 107 characters) that PostgreSQL's account may traverse.

    Args:
        on_disk: whether its content has to be on disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="st-", dir=None if on_disk else memory()))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
