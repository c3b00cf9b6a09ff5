"""The project as a user gets it: the tracked files only."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def copy_tracked_files(folder: Path, *, owner: int | None = None) -> None:
    """Copy the tracked files, as they are in the work tree, into a new folder.

    Args:
        folder: the folder to create.
        owner: the user and the group that own the copy; None for those of this process.
    """
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    folder.mkdir(parents=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():  # not deleted in the work tree
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if owner is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner, owner)
