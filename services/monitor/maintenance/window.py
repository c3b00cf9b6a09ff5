"""Maintenance windows, and the effect of a change on a window and its spans. Pure; times in microseconds."""

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
    """The writable fields of a window; without `start_us` it begins now. Times in microseconds."""

    name: str
    service_id: UUID | None
    start_us: int | None
    duration_us: int
    rrule: str = ""
    time_zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A maintenance window of one service, or of all services of the tenant if `service_id` is None."""

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
        """A version of the window, for optimistic concurrency."""
        return hashlib.sha256(f"{self.id} {self.update_us}".encode()).hexdigest()[:16]

    @property
    def schedule(self) -> tuple[object, ...]:
        """The fields that determine its spans."""
        return self.service_id, self.start_us, self.duration_us, self.rrule, self.time_zone

    def spans(self, from_us: int, to_us: int) -> list[Span]:
        """Return its spans that begin in [from, to)."""
        return occurrences(self.start_us, self.duration_us, self.rrule, self.time_zone, from_us, to_us)

    def audited(self) -> dict[str, object]:
        """Return the window's fields for the audit log."""
        return {
            "name": self.name,
            "serviceId": str(self.service_id) if self.service_id else None,
            "startSeconds": self.start_us / SECOND_US,
            "durationSeconds": self.duration_us / SECOND_US,
            "rrule": self.rrule,
            "timeZone": self.time_zone,
        }


@dataclass(frozen=True, slots=True)
class SpanChanges:
    """A change of a window's spans from now on. Future ones are replaced, past ones stay.

    Attributes:
        ends: the new ends of spans in progress, by their start; a span in progress that is missing here ends now.
        added: the spans to add.
    """

    ends: Mapping[int, int]
    added: Sequence[Span]


def new_window(actor: Actor, draft: WindowDraft, now: int) -> Window:
    """Return a new window with the draft's fields.

    Raises:
        InvalidArgument: it begins in the past, or its time zone is invalid.
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
    """Return the window with the draft's fields. Its start may stay in the past, but not be moved there.

    Raises:
        Aborted: ETAG_MISMATCH.
        InvalidArgument: the changed window is invalid.
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


def replan(window: Window, going_on: Collection[int], now: int, until_us: int) -> SpanChanges:
    """Return the change of a window's spans from now on; what was covered until now stays.

    Args:
        window: the changed window.
        going_on: the starts of its spans in progress that cover the service of the changed window.
        now: the present time.
        until_us: the horizon of planning.

    Raises:
        InvalidArgument: its rule is invalid.
    """
    spans = [span for span in window.spans(now - window.duration_us, until_us) if span[1] > now]
    ends = {start: end for start, end in spans if start < now and start in going_on}
    # A span that would have begun earlier begins now: past results keep their meaning.
    late = [end for start, end in spans if start < now and start not in going_on]
    ahead = [span for span in spans if span[0] >= now]
    if late:
        end = max([*late, *(end for start, end in ahead if start == now)])
        ahead = [(now, end), *(span for span in ahead if span[0] > now)]
    return SpanChanges(ends, ahead)


def _refuse_past(start_us: int, now: int) -> None:
    if start_us < now - MINUTE_US:
        raise InvalidArgument.field("window.start_time", "must not be in the past")
