"""What has to be read for the figures of checks between edges: closed days and hours, and results of the rest. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.monitor.figures.closed_figures import ClosedFigures, ClosedParts
from services.monitor.figures.closing import ClosedSpan, raw_spans, split
from services.monitor.figures.off import Span


@dataclass(frozen=True, slots=True)
class Mark:
    """A check, and its mark: hours that end at or before are closed and rolled up."""

    service_id: UUID
    check_id: UUID
    rolled_us: int


@dataclass(frozen=True, slots=True)
class Tail:
    """What of a check's results is to be read: those with slots in some spans, and the last one before each.

    Attributes:
        spans: one at least, in order and apart.
    """

    tenant_id: UUID
    service_id: UUID
    check_id: UUID
    spans: Sequence[Span]

    @property
    def start_us(self) -> int:
        """Where the first span begins."""
        return self.spans[0][0]

    @property
    def end_us(self) -> int:
        """Where the last span ends."""
        return self.spans[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What has to be read, and what need not be.

    Attributes:
        days: spans of closed days.
        hours: spans of closed hours.
        tails: the results to read, where there are no closed figures.
        known: the cached figures of the other checks, by check.
    """

    days: Sequence[ClosedSpan]
    hours: Sequence[ClosedSpan]
    tails: Sequence[Tail]
    known: Sequence[tuple[UUID, ClosedParts]]


def needed(
    tenant_id: UUID, marks: Sequence[Mark], edges: Sequence[int], remembered: ClosedFigures | None = None
) -> Needed:
    """Return what has to be read of some checks.

    Args:
        tenant_id: whose they are.
        marks: the marks of the checks.
        edges: where spans begin and end, rising.
        remembered: the cache of closed figures; None reads all.
    """
    days: list[ClosedSpan] = []
    hours: list[ClosedSpan] = []
    tails: list[Tail] = []
    known: list[tuple[UUID, ClosedParts]] = []
    for mark in marks:
        its_days, its_hours = split(mark.check_id, edges, mark.rolled_us)
        found = remembered.find(mark.check_id, its_days, its_hours) if remembered else None
        if found is None:
            days += its_days
            hours += its_hours
        else:
            known.append((mark.check_id, found))
        if spans := raw_spans(edges, mark.rolled_us):
            tails.append(Tail(tenant_id, mark.service_id, mark.check_id, spans))
    return Needed(days=days, hours=hours, tails=tails, known=known)
