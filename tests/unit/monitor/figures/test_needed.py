"""What has to be read for figures: closed spans that are not remembered, and results of what they leave."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.monitor.figures.closed_figures import ClosedFigures
from services.monitor.figures.closed_hours import CheckHistory, closed_spans, raw_spans
from services.monitor.figures.needed import RollupWatermark, needed
from services.monitor.figures.uptime import Figures
from services.platform.clock import DAY_US, HOUR_US

TENANT, SERVICE = UUID(int=1), UUID(int=2)
NOW = 1_790_000_000_000_000 + 20 * 60_000_000
edges_of = st.lists(st.integers(0, 40 * 24), min_size=2, max_size=5, unique=True).map(
    lambda hours: [NOW - hour * HOUR_US for hour in sorted(hours, reverse=True)]
)
marks_of = st.lists(st.integers(-2, 41 * 24), min_size=1, max_size=4).map(
    lambda hours: [
        RollupWatermark(SERVICE, UUID(int=100 + number), (NOW - hour * HOUR_US) // HOUR_US * HOUR_US)
        for number, hour in enumerate(hours)
    ]
)


@given(marks_of, edges_of)
def test_of_each_check_its_closed_spans_and_the_rest_are_read(marks: list[RollupWatermark], edges: list[int]) -> None:
    found = needed(TENANT, marks, edges)

    for mark in marks:
        days, hours = closed_spans(mark.check_id, edges, mark.rolled_us)
        assert [each for each in found.days if each.check_id == mark.check_id] == days
        assert [each for each in found.hours if each.check_id == mark.check_id] == hours
        spans = [each.spans for each in found.tails if each.check_id == mark.check_id]
        assert spans == [each for each in [raw_spans(edges, mark.rolled_us)] if each]
    assert {(each.tenant_id, each.service_id) for each in found.tails} <= {(TENANT, SERVICE)}
    assert found.known == []


@given(marks_of, edges_of)
def test_what_is_remembered_of_a_check_is_not_read_again_but_its_results_are(
    marks: list[RollupWatermark], edges: list[int]
) -> None:
    first, *others = marks
    remembered, figures = ClosedFigures(), Figures(start_us=edges[0], end_us=edges[1], life_us=DAY_US)
    before = needed(TENANT, [first], edges, remembered)
    read = {first.check_id: CheckHistory(rolled_us=first.rolled_us, closed=[(0, figures)])}
    remembered.store(read, before.days, before.hours)
    found = needed(TENANT, marks, edges, remembered)

    was_read = bool(before.days or before.hours)
    assert found.known == ([(first.check_id, [(0, figures)])] if was_read else [])
    assert {each.check_id for each in (*found.days, *found.hours)} <= {each.check_id for each in others}
    assert found.tails == needed(TENANT, marks, edges).tails
    moved = [RollupWatermark(SERVICE, first.check_id, first.rolled_us + DAY_US)]
    if closed_spans(first.check_id, edges, moved[0].rolled_us) != closed_spans(first.check_id, edges, first.rolled_us):
        assert needed(TENANT, moved, edges, remembered).known == []
