"""How a slot ends and why it ended badly (semantics.md §2, §9).

The numbers are those of the contract's enums and are what the database stores; a test holds them together.
"""

from enum import IntEnum


class Outcome(IntEnum):
    """The one outcome that every slot of an enabled check ends as (semantics.md §2)."""

    UP = 1
    DOWN = 2
    ERROR = 3
    """Our own fault; never counted against the customer."""
    MISSED = 4
    """Nobody could run the slot in time."""


class ErrorKind(IntEnum):
    """Why a run did not end UP (semantics.md §9)."""

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
    """Neither up nor down: no signal has come, and none is overdue."""


class MissedReason(IntEnum):
    """Why nobody ran a slot (semantics.md §2)."""

    NO_WORKER = 1
    """No worker held the check's shard when the slot was due."""
    OVERLOADED = 2
    """The worker was too busy to start the run within one interval (at most 30 s) of its slot."""
    DATABASE_AWAY = 3
    """The database was away: nobody could hold the check, or its result had to be dropped."""
    CLOCK_STEP = 4
    """The database's clock was stepped over the slot."""
