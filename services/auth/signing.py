"""The keys that sign access tokens: generated at the first start, kept in the data folder, never sent anywhere.

There may be several, each in a file named after its creation time. A new key is published first and signs once every
service has had time to read it; the previous key stays published until the tokens that it signed have expired.
"""

import base64
import hashlib
import json
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from services.auth.model import User
from services.platform import logs
from services.platform.clock import SECOND_US
from services.platform.security.key_file import KeyFileError, read_key_file
from services.platform.security.private_file import write_private
from services.platform.security.tokens import ALGORITHM, AUDIENCE, ISSUER

_log = logs.get("signing")
SETTLE_US = 5 * SECOND_US
_FIRST = "signing.pem"
_LATER = "signing-*.pem"


class SigningKey:
    """An Ed25519 signing key.

    Attributes:
        kid: the key's thumbprint (RFC 7638).
        public: the raw public key, 32 bytes.
        create_us: creation time in microseconds; 0 for the first key.
        path: the key's file.
    """

    def __init__(self, private: Ed25519PrivateKey, create_us: int, path: Path) -> None:
        self._private = private
        self.public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.kid = _thumbprint(self.public)
        self.create_us = create_us
        self.path = path

    def sign(self, user: User, session_id: object, now_us: int, expire_us: int) -> str:
        """Return a signed access token (architecture.md § Trust)."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user.id),
            "tid": str(user.tenant_id),
            "role": user.role.name.lower(),
            "sid": str(session_id),
            "iat": now_us // SECOND_US,
            "nbf": now_us // SECOND_US,
            "exp": expire_us // SECOND_US,
        }
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self.kid})


class Keyring:
    """The signing keys of one data folder.

    Args:
        folder: where the keys are; created if missing, with a first key.

    Raises:
        OSError: the folder is not accessible.
        KeyFileError: a file in it contains no Ed25519 key.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: list[SigningKey] = []
        self._read()
        if not self._keys:
            _write(folder / _FIRST)
            self._read()

    @staticmethod
    def check(folder: Path) -> None:
        """Validate the keys of a folder; generate none.

        Raises:
            KeyFileError: a file in it contains no Ed25519 key.
        """
        for create_us, path in _files(folder):
            _load(path, create_us)

    def reload(self) -> None:
        """Reload the folder; keep the loaded keys if a file is damaged."""
        try:
            self._read()
        except KeyFileError as error:
            _log.error("reloading the signing keys failed", why=str(error))

    def _read(self) -> None:
        known = {key.path: key for key in self._keys}
        self._keys = [known.get(path) or _load(path, create_us) for create_us, path in _files(self._folder)]

    @property
    def newest(self) -> SigningKey:
        """The newest key: it signs, or will once it has settled."""
        return self._keys[-1]

    @property
    def former(self) -> list[SigningKey]:
        """The keys before the newest."""
        return self._keys[:-1]

    def current(self, now_us: int) -> SigningKey:
        """Return the key to sign with: the newest that every service has had time to read."""
        settled = [key for key in self._keys if key.create_us + SETTLE_US <= now_us]
        return (settled or self._keys)[-1]

    def add(self, now_us: int) -> SigningKey:
        """Generate a further key, which the caller has to publish at once."""
        _write(self._folder / _LATER.replace("*", str(now_us)))
        self.reload()
        return self.newest

    def drop(self, key: SigningKey) -> None:
        """Delete a key and its file."""
        key.path.unlink(missing_ok=True)
        self.reload()


def _files(folder: Path) -> list[tuple[int, Path]]:
    """Return the key files with their creation times in microseconds, oldest first."""
    first = [(0, folder / _FIRST)] if (folder / _FIRST).exists() else []
    return sorted([*first, *((_create_us(path), path) for path in folder.glob(_LATER))])


def _create_us(path: Path) -> int:
    time = path.stem.partition("-")[2]
    if not (time.isascii() and time.isdigit()):
        raise KeyFileError(f"{path} is not named signing-<time>.pem; move it out of the key folder")
    return int(time)


def _load(path: Path, create_us: int) -> SigningKey:
    try:
        private = load_pem_private_key(read_key_file(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(
            f"{path} contains no Ed25519 private key in PEM; restore it from a backup, or move it away to have a new "
            "key generated (access tokens signed with the old one become invalid, and clients refresh them)"
        )
    return SigningKey(private, create_us, path)


def _write(path: Path) -> None:
    """Write a new key atomically, readable by its owner only."""
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(path, content)


def base64url(raw: bytes) -> str:
    """Return base64url without padding, as in JSON Web Keys (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _thumbprint(public: bytes) -> str:
    canonical = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": base64url(public)}, separators=(",", ":"))
    return base64url(hashlib.sha256(canonical.encode()).digest())
