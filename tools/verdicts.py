"""Write docs/verdicts.md: behaviours of real servers, names and jobs, the verdict of a check, and the result of curl.

The rows are those of tests/integration/real_world, which `make test` runs. `make generate` writes the page, `make
check` compares it (`--check`). `--record` runs curl again; otherwise the page shows its recorded results.
"""

import argparse
import asyncio
import re
import sys
from pathlib import Path

from tests.integration.real_world.curl import Recorded, is_for_curl, record, recorded
from tests.integration.real_world.row import Row, Verdict
from tests.integration.real_world.tables import TABLES, Table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "verdicts.md"
_RFC = re.compile(r"RFC (\d+)(?: §(\d+(?:\.\d+)*))?")
_ISSUE = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
_HEAD = """\
# Verdicts

The verdict for behaviours of real servers, names, certificates and jobs. `make test` runs each row over real sockets.
`make generate` writes this page from [the rows](../tests/integration/real_world): edit them there.

Checks have default settings except as described in the row. The column `curl` shows the result of {curl} for the same
bytes: the status, or the error with its exit code. curl follows redirects and keeps cookies as checks do, and ignores
assertions. A hyphen means that curl does not apply.
"""
# The texts of curl(1), EXIT CODES, shortened.
_EXITS = {
    1: "unsupported protocol",
    3: "malformed URL",
    6: "unknown host",
    7: "no connection",
    8: "weird server reply",
    18: "incomplete transfer",
    23: "write error",
    26: "read error",
    27: "out of memory",
    28: "time-out",
    35: "TLS handshake failed",
    47: "too many redirects",
    52: "no answer",
    56: "receiving failed",
    58: "bad client certificate",
    59: "bad cipher",
    60: "certificate not trusted",
    61: "unknown content coding",
    66: "TLS not set up",
}


def page() -> str:
    """Return the page."""
    answers = recorded()
    parts = [_HEAD.format(curl=answers.version)]
    parts += [f"- [{table.title}](#{_anchor(table.title)}): {len(table.rows)}\n" for table in TABLES]
    for table in TABLES:
        parts.append(f"\n## {table.title}\n\n| behaviour | verdict | curl | source |\n|---|---|---|---|\n")
        parts += [_line(table, row, answers) for row in table.rows]
    return "".join([parts[0], "\n", *parts[1:]])


def _line(table: Table, row: Row, answers: Recorded) -> str:
    cells = (row.name, _verdict(row), _curl(answers.of(table.name, row.slug)), row.source)
    behaviour, verdict, curl, source = map(_escaped, cells)
    return f"| {behaviour} | {verdict} | {curl} | {_linked(source)} |\n"


def _verdict(row: Row) -> str:
    """Return the verdict of a check, with the reason."""
    said = _outcome(row.verdict)
    return f"{said}. {row.why}" if row.why else said


def _outcome(verdict: Verdict) -> str:
    if verdict.outcome == "REFUSED":
        at = f"`{verdict.kind}` " if verdict.kind else ""
        return f"refused: {at}{verdict.says}".rstrip(" :")
    if verdict.outcome == "TAKEN":
        return f"taken; it changes `{verdict.says}`" if verdict.says else "taken"
    shown = f"{verdict.outcome} `{verdict.kind}`" if verdict.kind else verdict.outcome
    if verdict.says:
        return f"{shown}: {verdict.says}"
    return shown if verdict.status is None else f"{shown} ({verdict.status})"


def _curl(answer: tuple[int, int] | None) -> str:
    if answer is None:
        return "-"
    code, status = answer
    if code == 0:
        return str(status) if status else "connected"
    return f"{_EXITS.get(code, 'failed')} ({code})"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("\n", " ")


def _linked(source: str) -> str:
    """Return a source with links to its documents."""

    def rfc(found: re.Match[str]) -> str:
        section = f"#section-{found[2]}" if found[2] else ""
        return f"[{found[0]}](https://www.rfc-editor.org/rfc/rfc{found[1]}{section})"

    return _ISSUE.sub(r"[\1#\2](https://github.com/\1/issues/\2)", _RFC.sub(rfc, source))


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the page is out of date, without changing it")
    parser.add_argument("--record", action="store_true", help="record the results of curl first")
    arguments = parser.parse_args()
    if arguments.record:
        asyncio.run(record(TABLES))
    missing = [
        f"{table.name}: {row.name}"
        for table in TABLES
        for row in table.rows
        if is_for_curl(row) and recorded().of(table.name, row.slug) is None
    ]
    if missing:
        sys.exit(
            "curl results are missing for these rows; run `python -m tools.verdicts --record`: " + "; ".join(missing)
        )
    if not arguments.check:
        PAGE.write_text(page())
    elif not PAGE.exists() or PAGE.read_text() != page():
        sys.exit("docs/verdicts.md is out of date; run `make generate` and commit")


if __name__ == "__main__":
    main()
