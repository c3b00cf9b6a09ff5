"""Write migrations/schema.sql, the schema after all migrations: `python -m tools.schema`.

The file is for readers and reviews; the migrations create databases. pg_dump writes every object of the database, and
this module only sorts them: each table with its constraints, indexes, policies and grants, then each function with its
grants. A test compares the file with a migrated database.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.database import make_template, running
from tests.support.dumps import roles_dump, schema_dump
from tests.support.folders import short_folder

PATH = Path(__file__).resolve().parent.parent / "migrations" / "schema.sql"
COMMAND = ".venv/bin/python -m tools.schema"
_HEAD = f"""\
-- The schema of a database after all migrations, for readers. Written by `{COMMAND}`; do not edit.
"""
_ENTRY = re.compile(r"^--\n-- Name: (?P<name>.*); Type: (?P<type>.*); Schema: .*; Owner: -\n--\n\n", re.MULTILINE)
_END = "--\n-- PostgreSQL database dump complete\n"
_ROLE = re.compile(r"^(?:CREATE|ALTER) ROLE sentinel_.*;$", re.MULTILINE)
_NOT_SCHEMA = re.compile(r"^SET default_\w+ = .*;\n+", re.MULTILINE)
_TABLE_OF_INDEX = re.compile(r" ON (?:ONLY )?public\.(\w+) ")
_COLUMN_GRANT = re.compile(r"GRANT (?P<rights>\w+\(\w+\)(?:,\w+\(\w+\))*) ON TABLE (?P<table>\S+) TO (?P<role>\w+);")
_RIGHT = re.compile(r"(\w+)\((\w+)\)")
_OF_TABLE = ("TABLE", "DEFAULT", "CONSTRAINT", "FK CONSTRAINT", "INDEX", "TRIGGER", "ROW SECURITY", "POLICY", "ACL")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A part of a dump.

    Attributes:
        name: the name of its object: "checks checks_name", "TABLE checks".
        type: the type of its object, as named by pg_dump.
        sql: its statements.
    """

    name: str
    type: str
    sql: str

    @property
    def table(self) -> str | None:
        """The table to which it belongs; None if it belongs to none."""
        if self.type == "INDEX":
            found = _TABLE_OF_INDEX.search(self.sql)
            return found[1] if found else None
        if self.type != "ACL":
            return self.name.split()[0] if self.type in _OF_TABLE else None
        of, _, name = self.name.partition(" ")
        return name.partition(".")[0] if of in {"TABLE", "COLUMN"} else None

    @property
    def function(self) -> str | None:
        """The name of the function to which it belongs; None if it belongs to none."""
        if self.type == "FUNCTION":
            return self.name.partition("(")[0]
        found = re.match(r"FUNCTION (\w+)\(", self.name) if self.type == "ACL" else None
        return found[1] if found else None


async def snapshot(url: str) -> str:
    """Return the schema of a database in the form of migrations/schema.sql.

    Args:
        url: the URL of a database; pg_dump of its server's version must be installed.
    """
    entries = [*_entries(await schema_dump(url))]
    tables = sorted((each for each in entries if each.table), key=_place_at_table)
    functions = sorted((each for each in entries if each.function), key=lambda each: str(each.function))
    # Objects that belong to neither are included, too.
    others = [each for each in entries if not each.table and not each.function]
    parts = [
        _HEAD,
        _title("Roles"),
        "\n".join(_ROLE.findall(await roles_dump(url))) + "\n",
        *(each.sql for each in others),
        *_grouped("table", [(str(each.table), each) for each in tables]),
        *_grouped("function", [(str(each.function), each) for each in functions]),
    ]
    return "\n".join(parts)


def _entries(dump: str) -> Iterator[_Entry]:
    dump = dump.partition(_END)[0]
    found = [*_ENTRY.finditer(dump)]
    ends = [*(each.start() for each in found[1:]), len(dump)]
    for each, end in zip(found, ends, strict=True):
        sql = _NOT_SCHEMA.sub("", dump[each.end() : end]).strip()
        yield _Entry(each["name"], each["type"], f"{sql}\n")


def _place_at_table(entry: _Entry) -> tuple[str, int, bool]:
    return str(entry.table), _OF_TABLE.index(entry.type), entry.name.startswith("COLUMN ")


def _grouped(kind: str, entries: list[tuple[str, _Entry]]) -> Iterator[str]:
    by_name: dict[str, list[_Entry]] = {}
    for name, entry in entries:
        by_name.setdefault(name, []).append(entry)
    for name, its in by_name.items():
        yield _title(f"{kind.title()} {name}")
        grants = "".join(each.sql for each in its if each.type == "ACL")
        yield from (each.sql for each in its if each.type != "ACL")
        if grants:
            yield _with_columns_together(grants)


def _with_columns_together(grants: str) -> str:
    """Merge grants on columns into one statement per role; pg_dump writes one per column."""
    columns: dict[tuple[str, str], dict[str, list[str]]] = {}
    for grant in _COLUMN_GRANT.finditer(grants):
        its = columns.setdefault((grant["table"], grant["role"]), {})
        for right, column in _RIGHT.findall(grant["rights"]):
            its.setdefault(right, []).append(column)
    lines = [line for line in grants.splitlines() if not _COLUMN_GRANT.match(line)]
    for (table, role), its in columns.items():
        rights = ", ".join(f"{right} ({', '.join(names)})" for right, names in its.items())
        lines.append(f"GRANT {rights} ON TABLE {table} TO {role};")
    return "\n".join(lines) + "\n"


def _title(text: str) -> str:
    return f"\n-- {text}\n"


def main() -> None:
    """Migrate a new database on a separate server, and write its schema."""
    with short_folder() as folder, running(folder / "server", make_template(folder / "template")) as server:
        PATH.write_text(asyncio.run(snapshot(server.admin_url)))


if __name__ == "__main__":
    main()
