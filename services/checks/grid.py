"""The slot grid of a check, and its shard (semantics.md §1, §5). Pure; times in microseconds."""

import hashlib
from uuid import UUID

SHARDS = 256
PAUSE_LIMIT_US = 60_000_000
"""How far the database's clock may be stepped back for the grid to wait until time catches up; after a larger step
the grid restarts."""


def shard_of(check_id: UUID) -> int:
    """Return the check's shard: the first byte of SHA-256 of its id as text."""
    return _digest(check_id)[0]


def anchor_us(check_id: UUID, interval_us: int) -> int:
    """Return the grid's offset: the first 8 bytes of SHA-256 of the id, modulo the interval."""
    return int.from_bytes(_digest(check_id)[:8], "big") % interval_us


def first_slot_at_or_after(anchor: int, interval_us: int, moment_us: int) -> int:
    """Return the earliest slot that is not before a time."""
    return anchor - (anchor - moment_us) // interval_us * interval_us


def slots_between(first_us: int, end_us: int, interval_us: int) -> int:
    """Return how many slots of a grid lie in [first, end), where `first` is a slot."""
    return max(0, -((first_us - end_us) // interval_us))


def lateness_us(interval_us: int) -> int:
    """Return how late a slot may start before it is MISSED: one interval, at most 30 s (semantics.md §3)."""
    return min(interval_us, 30_000_000)


def _digest(check_id: UUID) -> bytes:
    return hashlib.sha256(str(check_id).encode()).digest()
