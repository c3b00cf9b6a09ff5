"""When a slot lies inside a maintenance window (semantics.md §12, §14). Pure; times in microseconds."""

from collections.abc import Iterable

from services.platform.clock import DAY_US

# What the contract allows; so whatever covers a moment began at most so long before it.
LONGEST_SPAN_US = 7 * DAY_US


def in_maintenance(slot_us: int, spans: Iterable[tuple[int, int]]) -> bool:
    """Whether a slot lies in one of the spans [start, end) of a check's maintenance: it opens no incident."""
    return any(start_us <= slot_us < end_us for start_us, end_us in spans)
