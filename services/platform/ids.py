"""Ids: UUIDv7 (RFC 9562 §5.7), so that newer sorts behind older."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A new, time-ordered id."""
    return uuid_utils.compat.uuid7()


def optional_id(text: str) -> UUID | None:
    """An id that may be left out, as the contract says it."""
    return UUID(text) if text else None
