"""The token of a heartbeat's signals: 256 random bits after a prefix that secret scanners can find.

Only a hash is stored. A random token cannot be guessed, so it needs no salt and no slow hash.
"""

import hashlib
import secrets

PREFIX = "sth_"
_SECRET_BYTES = 32


def new_token() -> str:
    """Return a new token of URL-safe characters."""
    return PREFIX + secrets.token_hex(_SECRET_BYTES)


def hash_of(token: str) -> bytes:
    """Return the hash of a token; only the hash is stored."""
    return hashlib.sha256(token.encode()).digest()
