"""A reader of live results: its queue, and its end."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.checks.result import Result
from services.platform.rpc.stream_guard import EndReason
from services.platform.rpc.stream_reader import StreamReader, UnreadLimit
from services.worker.streams.position import FIRST_ID, Position

# An event has at most 2 KB, since all its fields are bounded, and is one object for all readers of its tenant.
MOST_QUEUED = 10_000
MOST_QUEUED_BY_ALL = 100_000


@dataclass(frozen=True, slots=True)
class RecordedResult:
    """A result with its position.

    Attributes:
        position: the position after the result.
        result: the result.
        rendered: the messages for readers by their filter, so that each is created once.
    """

    position: Position
    result: Result
    rendered: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


ResultPredicate = Callable[[Result], bool]


class Reader(StreamReader):
    """The queue of one reader.

    Args:
        matches: the filter of results.
        unread: the shared limit on the unread results of all readers of the process.

    Attributes:
        queue: the events that it was given.
        position: everything up to it was taken, or did not match the filter.
    """

    def __init__(self, matches: ResultPredicate, unread: UnreadLimit) -> None:
        super().__init__()
        self.matches = matches
        self._unread = unread
        self.queue: deque[RecordedResult] = deque()
        self.position = Position(0, 0, FIRST_ID, 0)
        unread.readers.add(self)

    @property
    def held(self) -> int:
        """How much was queued for it and not taken yet."""
        return len(self.queue)

    def push(self, events: Sequence[RecordedResult]) -> None:
        """Queue the events that match the filter; they are in order and after all earlier ones."""
        if self.end_reason is not None:
            return
        wanted = [event for event in events if self.matches(event.result)]
        if not wanted:
            return
        if len(self.queue) + len(wanted) > MOST_QUEUED:
            self.end(EndReason.SLOW_READER)
            return
        self.queue.extend(wanted)
        self.wakeup.set()
        self._unread.add_unread(len(wanted))

    def take(self) -> RecordedResult:
        """Remove and return the next event."""
        event = self.queue.popleft()
        self.position = event.position
        self.note_sent()
        self._unread.add_unread(-1)
        return event

    def discard_unread(self) -> None:
        """Drop what was not taken."""
        waiting = len(self.queue)
        self.queue.clear()
        self._unread.add_unread(-waiting)

    def close(self) -> None:
        """Drop what was not taken, and remove the reader from the shared limit."""
        self.discard_unread()
        self._unread.readers.discard(self)
