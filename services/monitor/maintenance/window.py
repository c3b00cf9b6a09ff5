"""What a maintenance window is, and what a change makes of it and of its spans. Pure; times in microseconds."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.monitor.maintenance.recurrence import Span, occurrences, read_zone
from services.platform.clock import MINUTE_US, SECOND_US
from services.platform.errors import Aborted, InvalidArgument
from services.platform.ids import new_id
from services.platform.security.audit import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowDraft:
    """A window as its author gives it; it begins now when `start_us` is None. Times in microseconds."""

    name: str
    service_id: UUID | None
    start_us: int | None
    duration_us: int
    rrule: str = ""
    time_zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A maintenance window; of a service, or of all of the tenant's when `service_id` is None."""

    tenant_id: UUID
    id: UUID
    service_id: UUID | None
    name: str
    start_us: int
    duration_us: int
    rrule: str
    time_zone: str
    create_us: int
    update_us: int

    @property
    def etag(self) -> str:
        """Differs whenever the window was changed."""
        return hashlib.sha256(f"{self.id} {self.update_us}".encode()).hexdigest()[:16]

    @property
    def schedule(self) -> tuple[object, ...]:
        """What its spans come of."""
        return self.service_id, self.start_us, self.duration_us, self.rrule, self.time_zone

    def spans(self, from_us: int, to_us: int) -> list[Span]:
        """Its spans that begin in [from, to)."""
        return occurrences(self.start_us, self.duration_us, self.rrule, self.time_zone, from_us, to_us)

    def audited(self) -> dict[str, object]:
        """What the audit log shows of the window."""
        return {
            "name": self.name,
            "serviceId": str(self.service_id) if self.service_id else None,
            "startSeconds": self.start_us / SECOND_US,
            "durationSeconds": self.duration_us / SECOND_US,
            "rrule": self.rrule,
            "timeZone": self.time_zone,
        }


@dataclass(frozen=True, slots=True)
class Replanned:
    """What becomes of a window's spans from now on: those that lie ahead go, and those that were stay.

    Attributes:
        ends: where those that go on end, by where they began; now if it is not among them.
        added: those to add.
    """

    ends: Mapping[int, int]
    added: Sequence[Span]


def new_window(actor: Actor, draft: WindowDraft, now: int) -> Window:
    """A window as the draft has it.

    Raises:
        InvalidArgument: it begins in the past, or its zone has no meaning.
    """
    start_us = now if draft.start_us is None else draft.start_us
    _refuse_past(start_us, now)
    read_zone(draft.time_zone)
    return Window(
        tenant_id=actor.tenant_id,
        id=new_id(),
        service_id=draft.service_id,
        name=draft.name,
        start_us=start_us,
        duration_us=draft.duration_us,
        rrule=draft.rrule,
        time_zone=draft.time_zone,
        create_us=now,
        update_us=now,
    )


def changed_window(window: Window, etag: str, draft_of: Callable[[Window], WindowDraft], now: int) -> Window:
    """The window as the draft has it. It may have begun in the past, but not begin there now.

    Raises:
        Aborted: ETAG_MISMATCH.
        InvalidArgument: what it would be breaks a rule.
    """
    if etag and etag != window.etag:
        raise Aborted(
            reasons.ERROR_REASON_ETAG_MISMATCH,
            "ETag mismatch: the maintenance window was modified since it was read. Fetch it again and retry.",
        )
    draft = draft_of(window)
    start_us = now if draft.start_us is None else draft.start_us
    if start_us != window.start_us:
        _refuse_past(start_us, now)
    read_zone(draft.time_zone)
    wished = replace(
        window,
        service_id=draft.service_id,
        name=draft.name,
        start_us=start_us,
        duration_us=draft.duration_us,
        rrule=draft.rrule,
        time_zone=draft.time_zone,
    )
    # Later than before even if the clock stepped back, so that the etag differs.
    return window if wished == window else replace(wished, update_us=max(now, window.update_us + 1))


def replan(window: Window, going_on: Collection[int], now: int, until_us: int) -> Replanned:
    """What a change makes of a window's spans: until now it was as it was, from now on it is as it says now.

    Args:
        window: as it is now.
        going_on: where those of its spans began that go on and are of the service that it is of now.
        now: the time.
        until_us: up to where to plan.

    Raises:
        InvalidArgument: its rule has no meaning.
    """
    spans = [span for span in window.spans(now - window.duration_us, until_us) if span[1] > now]
    ends = {start: end for start, end in spans if start < now and start in going_on}
    # What would have begun already begins now: what was measured stays.
    late = [end for start, end in spans if start < now and start not in going_on]
    ahead = [span for span in spans if span[0] >= now]
    if late:
        end = max([*late, *(end for start, end in ahead if start == now)])
        ahead = [(now, end), *(span for span in ahead if span[0] > now)]
    return Replanned(ends, ahead)


def _refuse_past(start_us: int, now: int) -> None:
    if start_us < now - MINUTE_US:
        raise InvalidArgument.field("window.start_time", "must not be in the past")
