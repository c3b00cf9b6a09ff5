"""A reader of live results: what was handed to it and it has not taken yet, and when it has to stop."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.common.result import Result
from services.common.stream_guard import HEARTBEAT_S, LOOK_S, EndReason
from services.worker.position import FIRST_ID, Position

# An event is 2 KB at the most, since all its fields are bounded, and is one object for all readers of its tenant.
MOST_QUEUED = 10_000
MOST_QUEUED_BY_ALL = 100_000
# Sooner than promised, since it is looked only so often whether a heartbeat is due.
_QUIET_S = HEARTBEAT_S - 2 * LOOK_S


@dataclass(frozen=True, slots=True)
class Recorded:
    """A result and where it stands.

    Attributes:
        position: where.
        result: what.
        told: what readers are told of it, by their filter, so that it is made once for all who want the same.
    """

    position: Position
    result: Result
    told: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


Wanted = Callable[[Result], bool]


class Backlog:
    """How much the readers of one process have not taken yet, all together."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self._queued = 0

    def grew(self, events: int) -> None:
        """Count events in or out; when there are too many, whoever holds most is told that it is slow."""
        self._queued += events
        while self._queued > MOST_QUEUED_BY_ALL:
            slowest = max(self.readers, key=lambda reader: len(reader.queue))
            slowest.end(EndReason.SLOW_READER)
            slowest.forget()


class Reader:
    """One reader's queue.

    Args:
        wants: which results it reads.
        backlog: of all readers of the process.

    Attributes:
        queue: what it has been given.
        position: everything up to it has been taken, or was not wanted.
        over: why nothing more will come, once that is so.
        something: set when there is something to do.
    """

    def __init__(self, wants: Wanted, backlog: Backlog) -> None:
        self.wants = wants
        self._backlog = backlog
        self.queue: deque[Recorded] = deque()
        self.position = Position(0, 0, FIRST_ID)
        self.over: EndReason | None = None
        self.something = asyncio.Event()
        self._heard_at = time.monotonic()
        backlog.readers.add(self)

    def give(self, events: Sequence[Recorded]) -> None:
        """Hand over what it wants of some events, which are in order and behind all that it was given before."""
        if self.over is not None:
            return
        wanted = [event for event in events if self.wants(event.result)]
        if not wanted:
            return
        if len(self.queue) + len(wanted) > MOST_QUEUED:
            self.end(EndReason.SLOW_READER)
            return
        self.queue.extend(wanted)
        self.something.set()
        self._backlog.grew(len(wanted))

    def take(self) -> Recorded:
        """The next event."""
        event = self.queue.popleft()
        self.position = event.position
        self.heard()
        self._backlog.grew(-1)
        return event

    def end(self, reason: EndReason) -> None:
        """Nothing more will come."""
        # That a credential has ended counts more than that its bearer was slow.
        if self.over in (None, EndReason.SLOW_READER):
            self.over = reason
            self.something.set()

    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.over is not None

    def stops_now(self) -> bool:
        """Whether it must not even get what it has been given; who was merely slow still does."""
        return self.over not in (None, EndReason.SLOW_READER)

    def heard(self) -> None:
        """It was sent something."""
        self._heard_at = time.monotonic()

    def is_quiet(self) -> bool:
        """Whether a heartbeat is due."""
        return time.monotonic() - self._heard_at >= _QUIET_S

    def forget(self) -> None:
        """Let go of what was not taken."""
        waiting = len(self.queue)
        self.queue.clear()
        self._backlog.grew(-waiting)

    def close(self) -> None:
        """It reads no more."""
        self.forget()
        self._backlog.readers.discard(self)
