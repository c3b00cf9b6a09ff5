"""Whether a slot is inside a maintenance window (semantics.md §12, §14). Pure; times in microseconds."""

from collections.abc import Iterable

from services.platform.clock import DAY_US

# The contract's maximum; so a span that covers a time began at most this long before.
LONGEST_SPAN_US = 7 * DAY_US


def in_maintenance(slot_us: int, spans: Iterable[tuple[int, int]]) -> bool:
    """Return whether a slot is in one of the spans [start, end) of a check's maintenance."""
    return any(start_us <= slot_us < end_us for start_us, end_us in spans)
