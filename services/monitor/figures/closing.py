"""Which hours of a check are closed, and what of a question closed hours and days can answer (semantics.md §19). Pure.

Results of a check are recorded in the order of their slots, each behind the last accounted one. So nothing can come any
more into an hour that the account has passed: it is closed for good, and no result is ever late for it. What is closed
is rolled up into hours, and a day whose hours all are into a day. The rest, from the check's mark on, is the tail.
Where an edge cuts a closed hour, results of it are read once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from uuid import UUID

from services.monitor.figures.incident_sums import IncidentSums
from services.monitor.figures.off import Span, on, paused, union
from services.monitor.figures.steady import Steady
from services.monitor.figures.uptime import Figures, Slot, measure
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US

# Pauses and accounts are told by the clocks of several machines.
_SETTLED_US = 5 * MINUTE_US
# An account that stands still, since nobody may run the check, keeps no raw results longer than they are to be kept.
_FORCED_BEFORE_DROPPED_US = 2 * DAY_US
# Some tens of milliseconds of reading, most of it the database's.
_RESULTS_A_STEP = 12_000
# What is made of one check's results is made at once: a few milliseconds, in which nobody else is served.
_RESULTS_OF_A_CHECK = 2_000


@dataclass(slots=True, kw_only=True)
class Recorded:
    """What is recorded of a check, as far as it is needed; whoever reads it fills it in.

    Attributes:
        rolled_us: its mark: hours that end at or before are closed and rolled up.
        closed: figures of closed hours and days, each with the number of the span between two edges that it belongs to.
        slots: its results in the spans that only results tell of, in order, and the last one before each.
        periods: when it was enabled, in order; the last one may be open.
        off: when its tenant was suspended, and when it was inside a maintenance window.
        incidents: what its incidents add up to, with the number of the span that it belongs to.
    """

    rolled_us: int
    closed: list[tuple[int, Figures]] = field(default_factory=list)
    slots: Sequence[Slot] | Steady = ()
    periods: list[tuple[int, int | None]] = field(default_factory=list)
    off: list[Span] = field(default_factory=list)
    incidents: list[tuple[int, IncidentSums]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClosedSpan:
    """Closed hours, or closed days, of a check: those in [start, end), which belong to one span between two edges."""

    check_id: UUID
    part: int
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A check with hours that may be closed by now.

    Attributes:
        rolled_us: its mark.
        accounted_us: its last accounted slot.
        interval_us: its interval now, which tells about how many results there are.
    """

    tenant_id: UUID
    service_id: UUID
    check_id: UUID
    rolled_us: int
    accounted_us: int
    interval_us: int


@dataclass(frozen=True, slots=True)
class Closing:
    """A check whose hours up to a point are closed now."""

    candidate: Candidate
    until_us: int

    @property
    def first_day_us(self) -> int:
        """The first day that is not complete before."""
        return floor(self.candidate.rolled_us, DAY_US)

    @property
    def last_day_us(self) -> int:
        """The first day that is not complete afterwards."""
        return floor(self.until_us, DAY_US)


def floor(moment_us: int, grain_us: int) -> int:
    """The last multiple of a grain that is not behind a moment; hours and days are those of UTC."""
    return moment_us - moment_us % grain_us


def ceiling(moment_us: int, grain_us: int) -> int:
    """The first multiple of a grain that is not before a moment."""
    return moment_us + -moment_us % grain_us


def settled_us(now: int) -> int:
    """The end of the last hour that can be closed at a time."""
    return floor(now - _SETTLED_US, HOUR_US)


def close_until(candidate: Candidate, now: int, keep_raw_us: int) -> int:
    """Up to where the hours of a check can be closed, a day at the most; its mark where none can.

    Args:
        candidate: the check.
        now: the time.
        keep_raw_us: how long raw results are kept.
    """
    passed = max(candidate.accounted_us + 1, now - keep_raw_us + _FORCED_BEFORE_DROPPED_US)
    until = min(floor(passed, HOUR_US), settled_us(now), candidate.rolled_us + DAY_US)
    return max(until, candidate.rolled_us)


def choose(found: Sequence[Candidate], now: int, keep_raw_us: int) -> list[Closing]:
    """The first of some checks, with about as many results as a step may read; one at least, for an hour at least."""
    chosen: list[Closing] = []
    room = _RESULTS_A_STEP
    for each in found:
        if room <= 0:
            break
        most = max(HOUR_US, floor(min(room, _RESULTS_OF_A_CHECK) * each.interval_us, HOUR_US))
        until = min(close_until(each, now, keep_raw_us), each.rolled_us + most)
        room -= (until - each.rolled_us) // each.interval_us
        chosen.append(Closing(each, until))
    return chosen


def hours(recorded: Recorded, until_us: int) -> list[Figures]:
    """The figures of a check's hours from its mark on; those in which it was off are left out."""
    edges = list(range(recorded.rolled_us, until_us + 1, HOUR_US))
    return [each for each in _measured(recorded, edges, until_us) if each.life_us]


def split(check_id: UUID, edges: Sequence[int], rolled_us: int) -> tuple[list[ClosedSpan], list[ClosedSpan]]:
    """What closed days, and besides them closed hours, tell of the spans between edges.

    Args:
        check_id: the check.
        edges: where spans begin and end, rising.
        rolled_us: the check's mark.
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
    """What of the spans between edges only results tell, in order and apart: the tail, and hours that an edge cuts."""
    return on(union(_closed_hours(edges, rolled_us)), edges[0], edges[-1])


def _closed_hours(edges: Sequence[int], rolled_us: int) -> list[Span]:
    """Of each span between two edges what its closed hours cover; empty where it has none."""
    inside = ((ceiling(start, HOUR_US), floor(min(end, rolled_us), HOUR_US)) for start, end in pairwise(edges))
    return [(start, max(start, stop)) for start, stop in inside]


def combine(recorded: Recorded, edges: Sequence[int], now: int) -> list[Figures]:
    """The figures of a check for each span between two edges: what is closed, and the tail."""
    found = [Figures(start_us=start, end_us=end) for start, end in pairwise(edges)]
    for part, figures in recorded.closed:
        found[part] += replace(figures, start_us=edges[part], end_us=edges[part + 1])
    # What is closed is told already.
    told = _closed_hours(edges, recorded.rolled_us)
    for part, raw in enumerate(_measured(recorded, edges, now, told)):
        found[part] += raw
    for part, sums in recorded.incidents:
        found[part] = replace(found[part], incidents=found[part].incidents + sums)
    return found


def _measured(recorded: Recorded, edges: Sequence[int], now: int, told: Sequence[Span] = ()) -> list[Figures]:
    """What results tell of the spans between edges, but for the time that is told already."""
    start, until = edges[0], min(edges[-1], now)
    born = min((start for start, _ in recorded.periods), default=until)
    off = union([*recorded.off, *told, *paused(recorded.periods, min(born, until), until)])
    alive = on(off, max(start, born), until)
    if isinstance(recorded.slots, Steady):
        return recorded.slots.measure(edges, alive)
    return measure(recorded.slots, edges, alive)
