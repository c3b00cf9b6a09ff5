"""The keys that encrypt secrets: from a setting, or from a file in the data folder.

The first key encrypts, all decrypt. A changed file is read again, so keys can be rotated without a restart.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.platform import logs
from services.platform.security.key_file import KeyFileError, read_key_file
from services.platform.security.key_text import KEY_BYTES, parse, spelled
from services.platform.security.private_file import write_private

_log = logs.get("secret_keys")

_FILE = "secrets.keys"
_ID_DIGITS = 12


class SecretKey:
    """An AES-256 key.

    Attributes:
        id: a fingerprint, which reveals nothing about the key.
        cipher: AES-GCM with the key.
    """

    __slots__ = ("cipher", "id")

    def __init__(self, key: bytes) -> None:
        self.id = hashlib.sha256(b"sentinel-stack secrets key " + key).hexdigest()[:_ID_DIGITS]
        self.cipher = AESGCM(key)


class SecretKeys:
    """The keys of an installation; the first one encrypts.

    Args:
        given: the keys of the setting.
        file: a file with further keys, which may change; None for none.

    Raises:
        KeyFileError: the file exists and is empty or contains an invalid key.
    """

    def __init__(self, given: Sequence[bytes] = (), file: Path | None = None) -> None:
        self._given = [SecretKey(key) for key in given]
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._keys = self._given
        if self._file is not None and self._file.exists():
            _refuse_damaged(self._file)
        self._read_changed()

    @property
    def newest(self) -> SecretKey | None:
        """The key that encrypts; None without keys."""
        self._read_changed()
        return self._keys[0] if self._keys else None

    def find(self, key_id: str) -> SecretKey | None:
        """Return a key by its id; None if it is unknown."""
        found = self._known(key_id)
        if found is None and self._read_changed():
            found = self._known(key_id)
        return found

    def _known(self, key_id: str) -> SecretKey | None:
        return next((key for key in self._keys if key.id == key_id), None)

    def _read_changed(self) -> bool:
        """Read the file if it changed; return whether it did. A damaged file changes no key."""
        if self._file is None:
            return False
        try:
            status = self._file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self._keys = [*self._given, *map(SecretKey, _read(self._file))]
        except (OSError, ValueError) as error:
            _log.error("reloading the secrets encryption keys failed", file=str(self._file), why=str(error))
        return True


def key_file(data_dir: Path) -> Path:
    """Return the path of the key file in a data folder."""
    return data_dir / "keys" / _FILE


def ensure_key(file: Path) -> None:
    """Generate a first key if the file does not exist.

    Raises:
        OSError: the file is not accessible.
    """
    if not file.exists():
        _write(file, [_new()])


def add_key(file: Path) -> None:
    """Generate a further key, which encrypts from now on.

    Raises:
        OSError: the file is not accessible.
        ValueError: it contains an invalid key.
    """
    _write(file, [_new(), *_read(file)])


def prune_keys(file: Path, most: int) -> None:
    """Remove all but the newest keys.

    Raises:
        OSError: the file is not accessible.
        ValueError: it contains an invalid key.
    """
    _write(file, _read(file)[:most])


def _refuse_damaged(file: Path) -> None:
    read_key_file(file)
    try:
        keys = _read(file)
    except ValueError:
        keys = ()
    if not keys:
        raise KeyFileError(
            f"{file} contains an invalid key (not {KEY_BYTES} bytes in Base64); restore it from a backup, or move it "
            "away to have a new key generated (secrets encrypted with the old one must be set again)"
        )


def _new() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def _read(file: Path) -> Sequence[bytes]:
    return parse(file.read_text().replace("\n", ",")) if file.exists() else ()


def _write(file: Path, keys: Iterable[bytes]) -> None:
    write_private(file, spelled(keys).replace(",", "\n").encode() + b"\n")
