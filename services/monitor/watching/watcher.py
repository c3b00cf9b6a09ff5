"""A reader of service states: which services changed since it was sent them, and what it is sent next.

It holds ids, not events, and sends the state of a service at the time of sending. So a reader that is slow gets fewer
messages, and what it holds is bounded by the number of services.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.monitor.model import Service
from services.monitor.watching.standing import Picture, Standing
from services.monitor.watching.told import Told
from services.platform.rpc.stream_reader import Backlog, StreamReader

# An id with its mark takes about 100 bytes.
MOST_HELD_BY_ALL = 2_000_000
# As many ids as fit into a message that Envoy and any client accept: 400 KB as JSON.
KEPT_AT_ONCE = 10_000

Wanted = Callable[[Service], bool]


@dataclass(frozen=True, slots=True)
class Shown:
    """The state of a service; the cursor is empty if more follows at once."""

    standing: Standing
    cursor: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """The removal of a service; the cursor is empty if more follows at once."""

    service_id: UUID
    cursor: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A part of the list of services that the reader keeps, if the list exceeds one message; it has no cursor."""

    service_ids: Sequence[UUID]
    cursor: bytes = b""


@dataclass(frozen=True, slots=True)
class Complete:
    """The end of the snapshot. The reader has to drop all services that it does not keep; None keeps all."""

    keep: Sequence[UUID] | None
    cursor: bytes


class Watcher(StreamReader):
    """One reader of WatchServices.

    Args:
        wants: the filter of services.
        backlog: the shared backlog of all readers of the process.

    Attributes:
        needs_cursor: whether a service was sent that the last cursor does not cover.
    """

    def __init__(self, wants: Wanted, backlog: Backlog) -> None:
        super().__init__()
        self._wants = wants
        self._backlog = backlog
        self._told = Told()
        # The services to send, the next one last, and those that changed since then; each with the mark that the reader
        # has.
        self._telling: dict[UUID, int | None] = {}
        self._waiting: dict[UUID, int | None] = {}
        self._complete = False
        self._resumes = False
        # The services to keep that are not sent yet.
        self._kept: Sequence[UUID] | None = None
        self._begins = False
        self.needs_cursor = False
        backlog.readers.add(self)

    @property
    def held(self) -> int:
        """How many changed services have not been sent yet."""
        return len(self._telling) + len(self._waiting)

    def begin(self, picture: Picture, cursor: bytes | None) -> None:
        """Queue what differs from a cursor's digest; everything without one."""
        self.forget()
        wanted = {service_id: each for service_id, each in picture.items() if self._wants(each.service)}
        if cursor is None:
            self._telling = dict.fromkeys(reversed(wanted))
        else:
            now = Told()
            for service_id, each in wanted.items():
                now.move(service_id, None, each.mark)
            self._told = Told.unpack(cursor)
            self._told.flag_where_unlike(now)
            self._resumes = self._told.flags != 0
            self._telling = dict.fromkeys(filter(self._told.is_flagged, reversed(wanted)))
            self._told.clear_flagged()
        self._backlog.grew(self.held)

    def moved(self, service_id: UUID, before: Standing | None, after: Standing | None) -> None:
        """Queue a service that changed, appeared or was removed."""
        if self.over is not None or service_id in self._telling or service_id in self._waiting:
            return
        knew = before is not None and self._wants(before.service)
        if knew or (after is not None and self._wants(after.service)):
            self._waiting[service_id] = before.mark if before is not None and knew else None
            self.something.set()
            self._backlog.grew(1)

    def take(self, picture: Picture) -> Shown | Gone | Kept | Complete | None:
        """Return the next event; None if everything was sent.

        Args:
            picture: the present states of services.
        """
        while True:
            if self._complete and not self._telling:
                self._telling, self._waiting = dict(reversed(self._waiting.items())), {}
                self._begins = True
            if not self._telling:
                return None if self._complete else self._completed(picture)
            service_id, before = self._telling.popitem()
            self._backlog.grew(-1)
            now = picture.get(service_id)
            if now is not None and not self._wants(now.service):
                now = None
            after = None if now is None else now.mark
            if before != after:
                self._told.move(service_id, before, after)
                return self._event(service_id, now)

    def cursor(self) -> bytes:
        """Return the cursor up to the present point, to be sent."""
        self.needs_cursor = bool(self._telling)
        return self._told.pack(self._telling)

    def forget(self) -> None:
        """Drop what was not sent."""
        held = self.held
        self._telling.clear()
        self._waiting.clear()
        self._backlog.grew(-held)

    def close(self) -> None:
        """Drop what was not sent, and leave the backlog."""
        self.forget()
        self._backlog.readers.discard(self)

    def _event(self, service_id: UUID, now: Standing | None) -> Shown | Gone:
        """Return the event, with a cursor if it is the first of several, so that it announces more, or the last."""
        self.needs_cursor = True
        cursor = self.cursor() if self._begins or (self._complete and not self._telling) else b""
        self._begins = False
        return Gone(service_id, cursor) if now is None else Shown(now, cursor)

    def _completed(self, picture: Picture) -> Kept | Complete:
        if self._resumes:
            if self._kept is None:
                self._kept = self._known(picture)
            if len(self._kept) > KEPT_AT_ONCE:
                some, self._kept = self._kept[:KEPT_AT_ONCE], self._kept[KEPT_AT_ONCE:]
                return Kept(some)
        keep, self._kept = self._kept, None
        self._complete = True
        self._told.flags = 0
        return Complete(keep, self.cursor())

    def _known(self, picture: Picture) -> list[UUID]:
        """Return the services that the reader has, whatever changed since: the changes follow."""
        still = [each.service.id for each in picture.values() if self._wants(each.service)]
        knew = [service_id for service_id, mark in self._waiting.items() if mark is not None]
        return [service_id for service_id in still if service_id not in self._waiting] + knew
