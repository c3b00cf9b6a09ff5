"""semantics.md §16: time in which a check was paused is what no period covers."""

from hypothesis import given
from hypothesis import strategies as st

from services.monitor.figures.excluded_time import merge_spans, paused_spans

spans = st.tuples(st.integers(0, 60), st.integers(0, 60))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, int | None]]:
    """Periods in order and apart, the last one open or not."""
    edges = sorted(draw(st.sets(st.integers(0, 60), max_size=12)))
    periods: list[tuple[int, int | None]] = list(zip(edges[::2], edges[1::2], strict=False))
    return [*periods, (edges[-1], None)] if len(edges) % 2 else periods


@given(histories(), st.integers(0, 60), st.integers(0, 60))
def test_each_moment_is_in_a_period_or_paused(periods: list[tuple[int, int | None]], from_us: int, now: int) -> None:
    off = paused_spans(periods, from_us, now)

    for moment in range(61):
        enabled = any(start <= moment and (end is None or moment < end) for start, end in periods)
        assert any(start <= moment < end for start, end in off) == (from_us <= moment < now and not enabled)


@given(histories(), st.integers(0, 60), st.integers(0, 60))
def test_periods_that_ended_before_may_be_left_out(
    periods: list[tuple[int, int | None]], from_us: int, now: int
) -> None:
    rest = [(start, end) for start, end in periods if end is None or end > from_us]

    assert paused_spans(rest, from_us, now) == paused_spans(periods, from_us, now)


@given(st.lists(spans))
def test_a_union_is_the_same_time_in_order_and_apart(some: list[tuple[int, int]]) -> None:
    found = merge_spans(some)

    for moment in range(61):
        assert any(start <= moment < end for start, end in found) == any(start <= moment < end for start, end in some)
    flat = [edge for span in found for edge in span]
    assert flat == sorted(set(flat))
