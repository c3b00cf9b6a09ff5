"""A reader of live results: what was handed to it and it has not taken yet, and when it has to stop."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.checks.result import Result
from services.platform.rpc.stream_guard import EndReason
from services.platform.rpc.stream_reader import Backlog, StreamReader
from services.worker.streams.position import FIRST_ID, Position

# An event is 2 KB at the most, since all its fields are bounded, and is one object for all readers of its tenant.
MOST_QUEUED = 10_000
MOST_QUEUED_BY_ALL = 100_000


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


class Reader(StreamReader):
    """One reader's queue.

    Args:
        wants: which results it reads.
        backlog: of all readers of the process.

    Attributes:
        queue: what it has been given.
        position: everything up to it has been taken, or was not wanted.
    """

    def __init__(self, wants: Wanted, backlog: Backlog) -> None:
        super().__init__()
        self.wants = wants
        self._backlog = backlog
        self.queue: deque[Recorded] = deque()
        self.position = Position(0, 0, FIRST_ID, 0)
        backlog.readers.add(self)

    @property
    def held(self) -> int:
        """How much was handed to it that it has not taken yet."""
        return len(self.queue)

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

    def forget(self) -> None:
        """Let go of what was not taken."""
        waiting = len(self.queue)
        self.queue.clear()
        self._backlog.grew(-waiting)

    def close(self) -> None:
        """It reads no more."""
        self.forget()
        self._backlog.readers.discard(self)
