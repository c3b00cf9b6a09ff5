"""Tokens that say whose they are and prove it: a tenant's id before 256 random bits, of which only a hash is stored.

Refresh tokens and invitations are such. 256 random bits need no salt and no slow hash: they cannot be guessed.
"""

import base64
import binascii
import hashlib
import secrets
from uuid import UUID

_SECRET_BYTES = 32
_TENANT_BYTES = 16


def new_secret() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(_SECRET_BYTES)


def hash_of(secret: bytes) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret).digest()


def write(tenant_id: UUID, secret: bytes) -> str:
    """The token, of URL-safe characters."""
    return base64.urlsafe_b64encode(tenant_id.bytes + secret).rstrip(b"=").decode()


def read(token: str) -> tuple[UUID, bytes]:
    """The tenant and the secret.

    Raises:
        ValueError: it is no such token.
    """
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error
    if len(raw) != _TENANT_BYTES + _SECRET_BYTES:
        raise ValueError("not of a token's length")
    return UUID(bytes=raw[:_TENANT_BYTES]), raw[_TENANT_BYTES:]
