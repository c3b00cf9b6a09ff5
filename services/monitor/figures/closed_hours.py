"""Which hours of a check are closed, and which spans closed hours and days cover (semantics.md §19). Pure.

The results of a check are recorded in the order of their slots, each after the last accounted slot. Once the account
has passed the end of an hour, no further result can be recorded in it: the hour is closed and never changes. Closed
hours are rolled up, and a day is rolled up when all of its hours are. The time after the check's watermark is the
tail. The tail and those closed hours that an edge cuts are computed from raw results.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from uuid import UUID

from services.monitor.figures.excluded_time import Span, merge_spans, paused_spans, spans_outside
from services.monitor.figures.incident_sums import IncidentSums
from services.monitor.figures.uptime import Figures, Slot, measure
from services.monitor.figures.uptime_fast_path import AllUpResults
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US

# A margin for differences between the clocks of several machines, which set pauses and accounts.
_SETTLED_US = 5 * MINUTE_US
# Hours are closed this long before their raw results expire, even if the account has not passed them.
_FORCED_BEFORE_DROPPED_US = 2 * DAY_US
# Reading them takes tens of milliseconds, most of it in the database.
_RESULTS_PER_STEP = 12_000
# The results of one check are processed in one go, which blocks the event loop for a few milliseconds.
_RESULTS_PER_CHECK = 2_000


@dataclass(slots=True, kw_only=True)
class CheckHistory:
    """The recorded data of a check from which figures are computed. The store fills it in.

    Attributes:
        rolled_us: the check's roll-up watermark: hours that end at or before it are closed and rolled up.
        closed: figures of closed hours and days, each with the index of the span between two edges that contains it.
        slots: the raw results in the spans that roll-ups do not cover, in order, and the last one before each span.
        periods: when the check was enabled, in order; the last period may be open.
        off: when its tenant was suspended, and when it was in a maintenance window.
        incidents: sums over its incidents, each with the index of the span between two edges that contains them.
    """

    rolled_us: int
    closed: list[tuple[int, Figures]] = field(default_factory=list)
    slots: Sequence[Slot] | AllUpResults = ()
    periods: list[tuple[int, int | None]] = field(default_factory=list)
    off: list[Span] = field(default_factory=list)
    incidents: list[tuple[int, IncidentSums]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClosedSpan:
    """The closed hours, or the closed days, of a check in [start_us, end_us).

    Attributes:
        check_id: the check.
        part: the index of the span between two edges that contains them.
        start_us: the start of the first one.
        end_us: the end of the last one.
    """

    check_id: UUID
    part: int
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A check that may have hours to close.

    Attributes:
        tenant_id: its tenant.
        service_id: its service.
        check_id: the check.
        rolled_us: its roll-up watermark.
        accounted_us: its last accounted slot.
        interval_us: its present interval, from which the number of results is estimated.
    """

    tenant_id: UUID
    service_id: UUID
    check_id: UUID
    rolled_us: int
    accounted_us: int
    interval_us: int


@dataclass(frozen=True, slots=True)
class HoursToClose:
    """A check, and the time up to which its hours are closed in this step."""

    candidate: Candidate
    until_us: int

    @property
    def first_day_us(self) -> int:
        """The start of the first day that is not complete before the step."""
        return floor(self.candidate.rolled_us, DAY_US)

    @property
    def last_day_us(self) -> int:
        """The start of the first day that is not complete after the step."""
        return floor(self.until_us, DAY_US)


def floor(moment_us: int, grain_us: int) -> int:
    """Return the last multiple of a grain at or before a moment; hours and days are those of UTC."""
    return moment_us - moment_us % grain_us


def ceiling(moment_us: int, grain_us: int) -> int:
    """Return the first multiple of a grain at or after a moment."""
    return moment_us + -moment_us % grain_us


def settled_us(now: int) -> int:
    """Return the end of the last hour that can be closed at a time."""
    return floor(now - _SETTLED_US, HOUR_US)


def close_until(candidate: Candidate, now: int, keep_raw_us: int) -> int:
    """Return the time up to which hours of a check can be closed: its watermark, or at most a day after it.

    Args:
        candidate: the check.
        now: the present time.
        keep_raw_us: how long raw results are kept.
    """
    passed = max(candidate.accounted_us + 1, now - keep_raw_us + _FORCED_BEFORE_DROPPED_US)
    until = min(floor(passed, HOUR_US), settled_us(now), candidate.rolled_us + DAY_US)
    return max(until, candidate.rolled_us)


def choose_batch(found: Sequence[Candidate], now: int, keep_raw_us: int) -> list[HoursToClose]:
    """Return the first of some checks, up to about the number of results that a step may read.

    At least one check is returned, with at least an hour of results if it has an hour to close.

    Args:
        found: the checks, in the order of processing.
        now: the present time.
        keep_raw_us: how long raw results are kept.
    """
    chosen: list[HoursToClose] = []
    room = _RESULTS_PER_STEP
    for each in found:
        if room <= 0:
            break
        most = max(HOUR_US, floor(min(room, _RESULTS_PER_CHECK) * each.interval_us, HOUR_US))
        until = min(close_until(each, now, keep_raw_us), each.rolled_us + most)
        room -= (until - each.rolled_us) // each.interval_us
        chosen.append(HoursToClose(each, until))
    return chosen


def hourly_figures(recorded: CheckHistory, until_us: int) -> list[Figures]:
    """Return the figures of a check's hours from its watermark to `until_us`, without hours in which it was off."""
    edges = list(range(recorded.rolled_us, until_us + 1, HOUR_US))
    return [each for each in _measure_open(recorded, edges, until_us) if each.life_us]


def closed_spans(check_id: UUID, edges: Sequence[int], rolled_us: int) -> tuple[list[ClosedSpan], list[ClosedSpan]]:
    """Return the closed days in the spans between edges, and the closed hours outside of those days.

    Args:
        check_id: the check.
        edges: where spans begin and end, ascending.
        rolled_us: the check's roll-up watermark.
    """
    days, rest = [], []
    for part, (start, stop) in enumerate(_closed_hours(edges, rolled_us)):
        first, last = ceiling(start, DAY_US), floor(stop, DAY_US)
        if first < last:
            days.append(ClosedSpan(check_id, part, first, last))
            around = ((start, first), (last, stop))
        else:
            around = ((start, stop), (stop, stop))
        rest += [ClosedSpan(check_id, part, low, high) for low, high in around if low < high]
    return days, rest


def raw_spans(edges: Sequence[int], rolled_us: int) -> list[Span]:
    """Return the spans to compute from raw results, in order and disjoint: the tail, and hours that an edge cuts."""
    return spans_outside(merge_spans(_closed_hours(edges, rolled_us)), edges[0], edges[-1])


def _closed_hours(edges: Sequence[int], rolled_us: int) -> list[Span]:
    """Return for each span between two edges the part that closed hours cover; empty if there is none."""
    inside = ((ceiling(start, HOUR_US), floor(min(end, rolled_us), HOUR_US)) for start, end in pairwise(edges))
    return [(start, max(start, stop)) for start, stop in inside]


def combine_figures(recorded: CheckHistory, edges: Sequence[int], now: int) -> list[Figures]:
    """Return the figures of a check for each span between two edges.

    Args:
        recorded: the recorded data of the check.
        edges: where spans begin and end, ascending.
        now: the present time; later time has no figures.
    """
    found = [Figures(start_us=start, end_us=end) for start, end in pairwise(edges)]
    for part, figures in recorded.closed:
        found[part] += replace(figures, start_us=edges[part], end_us=edges[part + 1])
    # Closed hours are in `found` already.
    known = _closed_hours(edges, recorded.rolled_us)
    for part, raw in enumerate(_measure_open(recorded, edges, now, known)):
        found[part] += raw
    for part, sums in recorded.incidents:
        found[part] = replace(found[part], incidents=found[part].incidents + sums)
    return found


def _measure_open(recorded: CheckHistory, edges: Sequence[int], now: int, known: Sequence[Span] = ()) -> list[Figures]:
    """Return the figures of raw results for each span between two edges, without the time in `known`."""
    start, until = edges[0], min(edges[-1], now)
    born = min((start for start, _ in recorded.periods), default=until)
    off = merge_spans([*recorded.off, *known, *paused_spans(recorded.periods, min(born, until), until)])
    alive = spans_outside(off, max(start, born), until)
    if isinstance(recorded.slots, AllUpResults):
        return recorded.slots.measure(edges, alive)
    return measure(recorded.slots, edges, alive)
