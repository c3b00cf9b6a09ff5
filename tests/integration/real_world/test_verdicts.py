"""Each row gets the verdict that it has to get."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import pytest
import uvloop

from tests.integration.real_world.row import Row, Verdict
from tests.integration.real_world.running import run_all
from tests.integration.real_world.tables import TABLES, Table

Ends = Mapping[str, Verdict | Exception]
# A subject's rows run all at once, so they belong into one process.
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


def test_each_row_has_a_name_of_its_own() -> None:
    rows: Sequence[tuple[str, str]] = [(table.name, row.slug) for table in TABLES for row in table.rows]

    assert rows
    assert len(rows) == len(set(rows))


def test_what_is_down_or_refused_says_why() -> None:
    silent = [
        row.name for table in TABLES for row in table.rows if row.verdict.outcome != "UP" and not row.verdict.says
    ]

    assert silent == []
