"""Opaque tokens: a tenant's id followed by 256 random bits, of which only a hash is stored.

Used for refresh tokens and invitations. 256 random bits cannot be guessed, so they need no salt and no slow hash.
"""

import base64
import binascii
import hashlib
import secrets
from uuid import UUID

_SECRET_BYTES = 32
_TENANT_BYTES = 16


def new_secret() -> bytes:
    """Return 256 random bits."""
    return secrets.token_bytes(_SECRET_BYTES)


def hash_of(secret: bytes) -> bytes:
    """Return the hash of a secret; only the hash is stored."""
    return hashlib.sha256(secret).digest()


def write(tenant_id: UUID, secret: bytes) -> str:
    """Return the token as URL-safe text."""
    return base64.urlsafe_b64encode(tenant_id.bytes + secret).rstrip(b"=").decode()


def read(token: str) -> tuple[UUID, bytes]:
    """Return the tenant's id and the secret of a token.

    Raises:
        ValueError: the token is malformed.
    """
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error
    if len(raw) != _TENANT_BYTES + _SECRET_BYTES:
        raise ValueError("not of a token's length")
    return UUID(bytes=raw[:_TENANT_BYTES]), raw[_TENANT_BYTES:]
