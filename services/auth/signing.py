"""The key that access tokens are signed with: made at first start, kept in the data folder, never sent anywhere."""

import base64
import hashlib
import json
import os
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from services.auth.model import User
from services.common.clock import SECOND_US
from services.common.tokens import ALGORITHM, AUDIENCE, ISSUER

_FILE = "signing.pem"
_OURS_ALONE = 0o600


class SigningKey:
    """An Ed25519 key and what the published key set calls it.

    Attributes:
        kid: the key's thumbprint (RFC 7638).
        public: the raw public key, 32 bytes.
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.kid = _thumbprint(self.public)

    def sign(self, user: User, session_id: object, now_us: int, expire_us: int) -> str:
        """An access token (architecture.md § Trust)."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user.id),
            "tid": str(user.tenant_id),
            "role": user.role.name.lower(),
            "sid": str(session_id),
            "iat": now_us // SECOND_US,
            "exp": expire_us // SECOND_US,
        }
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self.kid})


def load_or_make(folder: Path) -> SigningKey:
    """The folder's signing key; a new one, readable by its owner only, if there is none.

    Raises:
        OSError: the folder cannot be used.
        TypeError: the file there is not an Ed25519 key.
    """
    path = folder / _FILE
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        private = Ed25519PrivateKey.generate()
        _write_once(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError(f"{path} is not an Ed25519 private key")
    return SigningKey(private)


def _write_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, private from its first byte."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OURS_ALONE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def base64url(raw: bytes) -> str:
    """Base64url without padding, as JSON Web Keys spell bytes (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _thumbprint(public: bytes) -> str:
    canonical = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": base64url(public)}, separators=(",", ":"))
    return base64url(hashlib.sha256(canonical.encode()).digest())
