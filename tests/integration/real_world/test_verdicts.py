"""Each row gets its expected verdict."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import pytest
import uvloop

from tests.integration.real_world.row import UP, Row, Verdict
from tests.integration.real_world.running import run_all
from tests.integration.real_world.servers import ok, says
from tests.integration.real_world.tables import TABLES, Table

FEWEST = 400
Ends = Mapping[str, Verdict | Exception]
# The rows of a subject run concurrently in one process.
ROWS = [
    pytest.param(table, row, id=f"{table.name}-{row.slug}", marks=pytest.mark.xdist_group(f"real-world-{table.name}"))
    for table in TABLES
    for row in table.rows
]


@pytest.fixture(scope="session")
def ends() -> Callable[[Table], Ends]:
    """Runs the rows of a subject, once."""
    return cache(lambda table: uvloop.run(run_all(table.rows)))


@pytest.mark.parametrize(("table", "row"), ROWS)
def test_the_verdict_is_right(ends: Callable[[Table], Ends], table: Table, row: Row) -> None:
    seen, wanted = ends(table)[row.slug], row.verdict
    if isinstance(seen, Exception):
        raise seen

    assert (seen.outcome, seen.kind) == (wanted.outcome, wanted.kind), seen.says
    assert wanted.says in seen.says
    for field in ("status", "redirects", "attempt"):
        expected = getattr(wanted, field)
        assert expected is None or getattr(seen, field) == expected, field


def test_a_row_that_cannot_be_run_fails_alone() -> None:
    bad = Row(name="bad", target=says(ok()), check={"http": {"noSuchField": 1}}, verdict=UP, source="")
    good = Row(name="good", target=says(ok()), verdict=UP, source="")

    ends = uvloop.run(run_all([bad, good]))

    assert isinstance(ends["bad"], Exception)
    assert ends["good"] == Verdict(outcome="UP", status=200, redirects=0, attempt=1)


def test_there_are_enough_rows_and_each_has_a_name_of_its_own() -> None:
    rows: Sequence[tuple[str, str]] = [(table.name, row.slug) for table in TABLES for row in table.rows]

    assert len(rows) >= FEWEST
    assert len(rows) == len(set(rows))


def test_what_is_down_or_refused_says_why() -> None:
    rows = [row for table in TABLES for row in table.rows if row.verdict.outcome not in {"UP", "TAKEN"}]
    silent = [row.name for row in rows if not row.verdict.says and not row.why]

    assert rows
    assert silent == []
