"""Files of keys that a process cannot start without."""

from pathlib import Path

_OTHERS = 0o007


class KeyFileError(Exception):
    """A file of keys is damaged; the message is a sentence that names the file and the way out."""


def read_key_file(path: Path) -> bytes:
    """Return the content of a file of keys.

    Raises:
        KeyFileError: it cannot be read, or it is empty.
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
    """Return a warning if everybody on the machine may read or change a file; None if not."""
    mode = path.stat().st_mode
    if mode & _OTHERS:
        return f"{path} is accessible to all users of this machine (mode {mode & 0o777:o}); change its mode to 600"
    return None
