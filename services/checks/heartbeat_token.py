"""What signals of a heartbeat are sent with: 256 random bits behind a mark that secret scanners can look for.

Only a hash is stored. What cannot be guessed needs no salt and no slow hash.
"""

import hashlib
import secrets

PREFIX = "sth_"
_SECRET_BYTES = 32


def new_token() -> str:
    """A new one, of characters that stand for themselves in a URL."""
    return PREFIX + secrets.token_hex(_SECRET_BYTES)


def hash_of(token: str) -> bytes:
    """What is stored of one; of anything else something that is not stored."""
    return hashlib.sha256(token.encode()).digest()
