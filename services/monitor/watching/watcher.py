"""A reader of service states: which services changed since it was sent them, and what it is sent next.

It holds ids, not events, and sends the state of a service at the time of sending. So a reader that is slow gets fewer
messages, and what it holds is bounded by the number of services.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.monitor.model import Service
from services.monitor.watching.service_snapshot import ServiceSnapshot, TenantSnapshot
from services.monitor.watching.watch_digest import WatchDigest
from services.platform.rpc.stream_reader import StreamReader, UnreadLimit

# An id with its fingerprint takes about 100 bytes.
MOST_HELD_BY_ALL = 2_000_000
# As many ids as fit into a message that Envoy and any client accept: 400 KB as JSON.
MOST_KEPT_PER_EVENT = 10_000

ServicePredicate = Callable[[Service], bool]


@dataclass(frozen=True, slots=True)
class ServiceUpdated:
    """The state of a service; the cursor is empty if more follows at once."""

    snapshot: ServiceSnapshot
    cursor: bytes


@dataclass(frozen=True, slots=True)
class ServiceRemoved:
    """The removal of a service; the cursor is empty if more follows at once."""

    service_id: UUID
    cursor: bytes


@dataclass(frozen=True, slots=True)
class ServicesKept:
    """A part of the list of services that the reader keeps, if the list exceeds one message; it has no cursor."""

    service_ids: Sequence[UUID]
    cursor: bytes = b""


@dataclass(frozen=True, slots=True)
class SyncComplete:
    """The end of the snapshot. The reader has to drop all services that it does not keep; None keeps all."""

    keep: Sequence[UUID] | None
    cursor: bytes


class Watcher(StreamReader):
    """One reader of WatchServices.

    Args:
        matches: the filter of services.
        unread: the shared limit on the unread services of all readers of the process.

    Attributes:
        needs_cursor: whether a service was sent that the last cursor does not cover.
    """

    def __init__(self, matches: ServicePredicate, unread: UnreadLimit) -> None:
        super().__init__()
        self._matches = matches
        self._unread = unread
        self._digest = WatchDigest()
        # The services to send, the next one last, and those that changed since then; each with the fingerprint that the
        # reader has.
        self._sending: dict[UUID, int | None] = {}
        self._waiting: dict[UUID, int | None] = {}
        self._complete = False
        self._resumes = False
        # The services to keep that are not sent yet.
        self._kept: Sequence[UUID] | None = None
        self._starts_batch = False
        self.needs_cursor = False
        unread.readers.add(self)

    @property
    def held(self) -> int:
        """How many changed services have not been sent yet."""
        return len(self._sending) + len(self._waiting)

    def begin(self, snapshot: TenantSnapshot, cursor: bytes | None) -> None:
        """Queue what differs from a cursor's digest; everything without one."""
        self.discard_unread()
        wanted = {service_id: each for service_id, each in snapshot.items() if self._matches(each.service)}
        if cursor is None:
            self._sending = dict.fromkeys(reversed(wanted))
        else:
            now = WatchDigest()
            for service_id, each in wanted.items():
                now.replace(service_id, None, each.fingerprint)
            self._digest = WatchDigest.unpack(cursor)
            self._digest.flag_differences(now)
            self._resumes = self._digest.flags != 0
            self._sending = dict.fromkeys(filter(self._digest.is_flagged, reversed(wanted)))
            self._digest.reset_flagged()
        self._unread.add_unread(self.held)

    def on_change(self, service_id: UUID, before: ServiceSnapshot | None, after: ServiceSnapshot | None) -> None:
        """Queue a service that changed, appeared or was removed."""
        if self.end_reason is not None or service_id in self._sending or service_id in self._waiting:
            return
        knew = before is not None and self._matches(before.service)
        if knew or (after is not None and self._matches(after.service)):
            self._waiting[service_id] = before.fingerprint if before is not None and knew else None
            self.wakeup.set()
            self._unread.add_unread(1)

    def take(self, snapshot: TenantSnapshot) -> ServiceUpdated | ServiceRemoved | ServicesKept | SyncComplete | None:
        """Return the next event; None if everything was sent.

        Args:
            snapshot: the present states of services.
        """
        while True:
            if self._complete and not self._sending:
                self._sending, self._waiting = dict(reversed(self._waiting.items())), {}
                self._starts_batch = True
            if not self._sending:
                return None if self._complete else self._completion(snapshot)
            service_id, before = self._sending.popitem()
            self._unread.add_unread(-1)
            now = snapshot.get(service_id)
            if now is not None and not self._matches(now.service):
                now = None
            after = None if now is None else now.fingerprint
            if before != after:
                self._digest.replace(service_id, before, after)
                return self._event(service_id, now)

    def cursor(self) -> bytes:
        """Return the cursor up to the present point, to be sent."""
        self.needs_cursor = bool(self._sending)
        return self._digest.pack(self._sending)

    def discard_unread(self) -> None:
        """Drop what was not sent."""
        held = self.held
        self._sending.clear()
        self._waiting.clear()
        self._unread.add_unread(-held)

    def close(self) -> None:
        """Drop what was not sent, and remove the reader from the shared limit."""
        self.discard_unread()
        self._unread.readers.discard(self)

    def _event(self, service_id: UUID, now: ServiceSnapshot | None) -> ServiceUpdated | ServiceRemoved:
        """Return the event, with a cursor if it is the first of several, so that it announces more, or the last."""
        self.needs_cursor = True
        cursor = self.cursor() if self._starts_batch or (self._complete and not self._sending) else b""
        self._starts_batch = False
        return ServiceRemoved(service_id, cursor) if now is None else ServiceUpdated(now, cursor)

    def _completion(self, snapshot: TenantSnapshot) -> ServicesKept | SyncComplete:
        if self._resumes:
            if self._kept is None:
                self._kept = self._known_ids(snapshot)
            if len(self._kept) > MOST_KEPT_PER_EVENT:
                some, self._kept = self._kept[:MOST_KEPT_PER_EVENT], self._kept[MOST_KEPT_PER_EVENT:]
                return ServicesKept(some)
        keep, self._kept = self._kept, None
        self._complete = True
        self._digest.flags = 0
        return SyncComplete(keep, self.cursor())

    def _known_ids(self, snapshot: TenantSnapshot) -> list[UUID]:
        """Return the services that the reader has, whatever changed since: the changes follow."""
        still = [each.service.id for each in snapshot.values() if self._matches(each.service)]
        knew = [service_id for service_id, fingerprint in self._waiting.items() if fingerprint is not None]
        return [service_id for service_id in still if service_id not in self._waiting] + knew
