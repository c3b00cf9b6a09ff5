"""The data to read for the figures of checks between edges: closed days, closed hours, and raw results. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.monitor.figures.closed_figures import ClosedFigures, ClosedParts
from services.monitor.figures.closed_hours import ClosedSpan, closed_spans, raw_spans
from services.monitor.figures.excluded_time import Span


@dataclass(frozen=True, slots=True)
class RollupWatermark:
    """A check and its roll-up watermark: hours that end at or before it are closed and rolled up."""

    service_id: UUID
    check_id: UUID
    rolled_us: int


@dataclass(frozen=True, slots=True)
class OpenSpans:
    """The raw results of a check to read: those with slots in some spans, and the last one before each span.

    Attributes:
        tenant_id: the tenant of the check.
        service_id: the service of the check.
        check_id: the check.
        spans: the spans, in order and disjoint; at least one.
    """

    tenant_id: UUID
    service_id: UUID
    check_id: UUID
    spans: Sequence[Span]

    @property
    def start_us(self) -> int:
        """The start of the first span."""
        return self.spans[0][0]

    @property
    def end_us(self) -> int:
        """The end of the last span."""
        return self.spans[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """The data to read, and the cached figures.

    Attributes:
        days: spans of closed days to read.
        hours: spans of closed hours to read.
        tails: raw results to read, in spans without closed figures.
        known: the cached figures, by check; their closed spans need no read.
    """

    days: Sequence[ClosedSpan]
    hours: Sequence[ClosedSpan]
    tails: Sequence[OpenSpans]
    known: Sequence[tuple[UUID, ClosedParts]]


def needed(
    tenant_id: UUID, marks: Sequence[RollupWatermark], edges: Sequence[int], remembered: ClosedFigures | None = None
) -> Needed:
    """Return the data to read for some checks.

    Args:
        tenant_id: the tenant of the checks.
        marks: the roll-up watermarks of the checks.
        edges: where spans begin and end, ascending.
        remembered: the cache of closed figures; None to read all.
    """
    days: list[ClosedSpan] = []
    hours: list[ClosedSpan] = []
    tails: list[OpenSpans] = []
    known: list[tuple[UUID, ClosedParts]] = []
    for mark in marks:
        its_days, its_hours = closed_spans(mark.check_id, edges, mark.rolled_us)
        found = remembered.find(mark.check_id, its_days, its_hours) if remembered else None
        if found is None:
            days += its_days
            hours += its_hours
        else:
            known.append((mark.check_id, found))
        if spans := raw_spans(edges, mark.rolled_us):
            tails.append(OpenSpans(tenant_id, mark.service_id, mark.check_id, spans))
    return Needed(days=days, hours=hours, tails=tails, known=known)
