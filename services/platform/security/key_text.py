"""Encryption keys as text."""

import base64
from collections.abc import Iterable

KEY_BYTES = 32


def parse(text: str) -> tuple[bytes, ...]:
    """Parse comma-separated keys, each 32 bytes in Base64 or Base64url.

    Raises:
        ValueError: a key is invalid; the message does not contain it.
    """
    return tuple(_key(part) for part in map(str.strip, text.split(",")) if part)


def _key(text: str) -> bytes:
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(
            f"must contain keys of {KEY_BYTES} random bytes in Base64, as printed by `openssl rand -base64 32`"
        )
    return key


def spelled(keys: Iterable[bytes]) -> str:
    """Return keys as text that `parse` reads."""
    return ",".join(base64.b64encode(key).decode() for key in keys)
