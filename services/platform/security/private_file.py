"""Files for keys: ours alone from their first byte, and there whole or not at all."""

import os
from pathlib import Path

_OURS_ALONE = 0o600


def write_private(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read, in place of any that is there; its folder is made if it is not there.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OURS_ALONE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
