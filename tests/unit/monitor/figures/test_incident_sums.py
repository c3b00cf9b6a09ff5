"""Incidents count where they began and where they were resolved; a mean is of something, or there is none."""

from hypothesis import given
from hypothesis import strategies as st

from services.monitor.figures.incident_sums import IncidentSums
from services.monitor.figures.uptime import Figures, total

counts = st.integers(0, 50)
some_sums = st.builds(IncidentSums, counts, counts, st.integers(0, 10**12))


@given(st.lists(some_sums, min_size=1, max_size=5))
def test_sums_of_parts_added_are_those_of_all_however_they_are_added(parts: list[IncidentSums]) -> None:
    figures = [Figures(start_us=0, end_us=1, up_us=7, incidents=part) for part in parts]
    one_by_one = figures[0]
    for each in figures[1:]:
        one_by_one += each

    assert one_by_one == total(figures)
    assert total(figures).incidents == IncidentSums.sum(parts)
    assert IncidentSums.sum(parts).begun == sum(part.begun for part in parts)
    assert IncidentSums.sum(parts).resolved == sum(part.resolved for part in parts)
    assert IncidentSums.sum(parts).resolved_us == sum(part.resolved_us for part in parts)


def test_means_are_cut_off_to_the_microsecond() -> None:
    figures = Figures(start_us=0, end_us=100, up_us=50, down_us=3, incidents=IncidentSums(3, 2, 9))

    assert figures.incidents.mttr_us == 4
    assert figures.mtbf_us == 16


def test_without_incidents_there_is_no_mean() -> None:
    figures = Figures(start_us=0, end_us=100, up_us=50)

    assert figures.incidents.mttr_us is None
    assert figures.mtbf_us is None


def test_an_incident_that_goes_on_has_a_time_between_failures_and_none_to_repair() -> None:
    figures = Figures(start_us=0, end_us=100, up_us=50, incidents=IncidentSums(1, 0, 0))

    assert figures.incidents.mttr_us is None
    assert figures.mtbf_us == 50


def test_a_service_that_was_never_up_has_none_between_failures_and_where_nothing_is_known_that_is_not_said() -> None:
    assert Figures(start_us=0, end_us=100, down_us=50, incidents=IncidentSums(1, 0, 0)).mtbf_us == 0
    assert Figures(start_us=0, end_us=100, life_us=50, incidents=IncidentSums(1, 0, 0)).mtbf_us is None
