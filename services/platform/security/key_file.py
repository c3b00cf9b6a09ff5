"""Key files that a process cannot start without."""

from pathlib import Path

_OTHERS = 0o007


class KeyFileError(Exception):
    """A key file is damaged; the message names the file and the remedy."""


def read_key_file(path: Path) -> bytes:
    """Return the content of a key file.

    Raises:
        KeyFileError: the file cannot be read, or is empty.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KeyFileError(
            f"{path} cannot be read ({error.strerror}); it must be a file readable by this user, with mode 600"
        ) from error
    if not content.strip():
        raise KeyFileError(f"{path} is empty; restore it from a backup")
    return content


def warning_about_mode(path: Path) -> str | None:
    """Return a warning if all users of the machine may read or change a file; None otherwise."""
    mode = path.stat().st_mode
    if mode & _OTHERS:
        return f"{path} is accessible to all users of this machine (mode {mode & 0o777:o}); change its mode to 600"
    return None
