"""Ids: UUIDv7 (RFC 9562 §5.7), which sort by creation time."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Return a new id."""
    return uuid_utils.compat.uuid7()


def optional_id(text: str) -> UUID | None:
    """Return an optional id from its text; None if it is empty."""
    return UUID(text) if text else None
