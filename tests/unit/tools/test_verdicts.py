"""docs/verdicts.md contains each row with its verdict, the result of curl and the source."""

import re

from tests.integration.real_world.curl import is_for_curl, recorded
from tests.integration.real_world.tables import TABLES
from tools import verdicts


def test_the_page_is_what_the_rows_generate() -> None:
    assert verdicts.PAGE.read_text() == verdicts.page()


def test_each_row_is_a_line_of_its_subject() -> None:
    parts = re.split(r"^## ", verdicts.page(), flags=re.MULTILINE)[1:]

    lines = {part.partition("\n")[0]: part.count("\n| ") - 1 for part in parts}

    assert lines == {table.title: len(table.rows) for table in TABLES}


def test_curl_was_asked_about_each_row_that_it_can_be_asked_about() -> None:
    asked = {(table.name, row.slug) for table in TABLES for row in table.rows if is_for_curl(row)}
    answers = {(table, slug) for table, rows in recorded().answers.items() for slug in rows}

    assert asked
    assert answers == asked


def test_sections_and_issues_are_links() -> None:
    page = verdicts.page()

    assert "[RFC 9112 §2.2](https://www.rfc-editor.org/rfc/rfc9112#section-2.2)" in page
    assert "[louislam/uptime-kuma#5972](https://github.com/louislam/uptime-kuma/issues/5972)" in page


def test_a_verdict_is_shown_with_its_reason_and_with_curls_answer() -> None:
    lines = verdicts.page().splitlines()

    broken = next(line for line in lines if line.startswith("| The server closes the connection without a response |"))
    assert "| DOWN `PROTOCOL`: closed the connection without a response | no answer (52) |" in broken


def test_each_line_has_four_cells_whatever_its_row_says() -> None:
    rows = [line for line in verdicts.page().splitlines() if line.startswith("| ")]

    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
