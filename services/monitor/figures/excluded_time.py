"""When a check was off: paused, inside a maintenance window, or its tenant suspended (semantics.md §16).

Pure; times in microseconds.
"""

from collections.abc import Iterable, Sequence

Span = tuple[int, int]
"""A span of time [start, end)."""
FOREVER = 1 << 62
"""The end of a span that has not ended."""


def paused_spans(periods: Sequence[tuple[int, int | None]], from_us: int, now: int) -> list[Span]:
    """Return the spans in [from_us, now) in which a check was paused.

    Args:
        periods: the spans in which it was enabled, in order and disjoint; the last one may be open. Those that ended
            before `from_us` may be omitted.
        from_us: the start; not before the check was created.
        now: the end.
    """
    gaps, edge = [], from_us
    for start_us, end_us in periods:
        gaps.append((edge, min(start_us, now)))
        edge = max(edge, now if end_us is None else end_us)
    gaps.append((edge, now))
    return [(start_us, end_us) for start_us, end_us in gaps if start_us < end_us]


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the union of some spans, as spans in order and disjoint."""
    found: list[Span] = []
    for start_us, end_us in sorted(spans):
        if found and start_us <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end_us))
        elif start_us < end_us:
            found.append((start_us, end_us))
    return found


def spans_outside(off: Sequence[Span], from_us: int, until_us: int) -> list[Span]:
    """Return [from_us, until_us) without some spans. These, and the result, are in order and disjoint."""
    left, edge = [], from_us
    for start_us, end_us in off:
        left.append((edge, min(start_us, until_us)))
        edge = max(edge, end_us)
    left.append((edge, until_us))
    return [(start_us, end_us) for start_us, end_us in left if start_us < end_us]
