"""Key files: written atomically, and readable by their owner only from the start."""

import os
from pathlib import Path

_OURS_ALONE = 0o600


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 600, replacing an existing one; create its folder if missing.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OURS_ALONE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
