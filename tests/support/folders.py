"""Folders for what tests write: in memory where the machine has room, since a database in a file system of its own disk
waits for it at each checkpoint."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 — the folder made in it is ours alone
_ROOM_BYTES = 4 << 30


def memory() -> Path | None:
    """The folder of a file system in memory; None where there is none with room for databases."""
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES else None


@contextmanager
def short_folder(*, on_disk: bool = False) -> Iterator[Path]:
    """Make a folder with a short path (a socket's has 107 characters) that the account of PostgreSQL may pass through.

    Args:
        on_disk: whether what is written there has to outlive the machine's memory.
    """
    folder = Path(tempfile.mkdtemp(prefix="st-", dir=None if on_disk else memory()))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
