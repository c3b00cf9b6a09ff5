"""Outcomes of slots and the kinds of errors (semantics.md §2, §9).

The numbers are those of the contract's enums and are stored in the database; a test verifies it.
"""

from enum import IntEnum


class Outcome(IntEnum):
    """The outcome of a slot (semantics.md §2)."""

    UP = 1
    DOWN = 2
    ERROR = 3
    """A failure of the monitor; never counted against the target."""
    MISSED = 4
    """No worker could run the slot in time."""


class ErrorKind(IntEnum):
    """The reason why a run did not end UP (semantics.md §9)."""

    DNS = 1
    CONNECT_REFUSED = 2
    CONNECT_TIMEOUT = 3
    TLS = 4
    TIMEOUT = 5
    PROTOCOL = 6
    STATUS = 7
    ASSERTION = 8
    TOO_LARGE = 9
    TOO_MANY_REDIRECTS = 10
    BLOCKED_TARGET = 11
    INTERNAL = 12
    HEARTBEAT_OVERDUE = 13
    HEARTBEAT_FAILED = 14
    NO_SIGNAL_YET = 15
    """Neither up nor down: no signal has arrived, and none is overdue."""


class MissedReason(IntEnum):
    """The reason why a slot was not run (semantics.md §2)."""

    NO_WORKER = 1
    """No worker held the check's shard when the slot was due."""
    OVERLOADED = 2
    """The worker was too busy to start the run within one interval (at most 30 s) of its slot."""
    DATABASE_AWAY = 3
    """The database was unavailable: no worker could hold the lease, or the result had to be dropped."""
    CLOCK_STEP = 4
    """The database's clock was stepped over the slot."""
