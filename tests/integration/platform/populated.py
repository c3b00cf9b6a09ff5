"""Rows in every table of a database, whichever revision of the schema it has, and what is in the tables.

Rows are written by the names of the columns that the revision has. A column that nothing is said of here gets a value
of its type, so a further column needs an entry only if a constraint or its meaning asks for one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from typing import Any
from uuid import UUID

from services.checks import assertion_outcome, failed_attempt
from services.checks.assertion_outcome import AssertionOutcome, AssertionStatus
from services.checks.failed_attempt import FailedAttempt
from services.checks.grid import shard_of
from services.checks.outcome import ErrorKind, Outcome
from services.checks.state import CheckState
from services.platform.clock import HOUR_US, SECOND_US
from services.platform.ids import new_id
from tests.integration.platform.stored_specs import EXAMPLES, StoredSpec
from tests.support.rows import insert

START = datetime(2026, 9, 1, 12, tzinfo=UTC)
URL = "http://shop.test/"
FAILED_ASSERTIONS = (
    AssertionOutcome(
        index=0, subject="status code", status=AssertionStatus.FAILED, expected="200", actual="503", only_slow=False
    ),
)
FAILED_ATTEMPTS = (FailedAttempt(ErrorKind.CONNECT_REFUSED, "connection refused", None),)
# Tables with rows from the migrations, of which there is one set for the whole installation.
OF_THE_INSTALLATION = {"alembic_version", "clusters", "heartbeat_reception", "shard_leases"}
_LATER = START + timedelta(hours=1)
_FAR = datetime(2199, 1, 1, tzinfo=UTC)
# asyncpg writes the last microsecond as infinity; keys that expired then were possible before revision 0018.
_INFINITE = datetime.max.replace(tzinfo=UTC)
_SECRETS_ARE_ENCRYPTED = "0014"
_SPECS_ARE_MESSAGES = "0026"
_KEYS_EXPIRE = "0018"
# A spec as the first version wrote it, with a secret in the open.
_FIRST_SPEC = {
    "url": URL,
    "method": "GET",
    "headers": [["Authorization", "Bearer in the open"], ["X-Team", "web"]],
    "body": "",
    "expected_statuses": [200],
    "follow_redirects": True,
}
_AT_FIRST = StoredSpec("http", _FIRST_SPEC, {})
_PLAIN = StoredSpec(
    "http", EXAMPLES["http"].before | {"url": URL}, {"http": EXAMPLES["http"].now["http"] | {"url": URL}}
)
# Where nothing is said of them.
_WRITTEN_BY_THE_DATABASE = {"recorded_xid", "spec", "spec_message"}

Row = dict[str, Any]
Tables = dict[str, dict[str, Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Populated:
    """A tenant with a row in every table that there was at a revision; its ids.

    Attributes:
        revision: of the schema that its rows were written in.
        tables: that there were.
        specs: the check with each example of a spec, by its name; they are in a service of their own.
    """

    revision: str
    tables: frozenset[str]
    specs: dict[str, UUID] = field(default_factory=dict)
    tenant_id: UUID = field(default_factory=new_id)
    user_id: UUID = field(default_factory=new_id)
    session_id: UUID = field(default_factory=new_id)
    service_id: UUID = field(default_factory=new_id)
    service_of_specs_id: UUID = field(default_factory=new_id)
    check_id: UUID = field(default_factory=new_id)
    window_id: UUID = field(default_factory=new_id)
    incident_id: UUID = field(default_factory=new_id)
    api_key_id: UUID = field(default_factory=new_id)


async def populate(admin: Any, revision: str) -> Populated:
    """Write a row of a new tenant into every table, with a value in every column; return its ids.

    Args:
        admin: a connection as the owner of the tables.
        revision: of the schema that the database has now.
    """
    columns = await _columns(admin)
    of = Populated(revision=revision, tables=frozenset(columns))
    await admin.execute("SELECT make_results_partition($1::date)", START.date())
    given = _given(of)
    tables = await _in_order_of_references(admin, columns.keys() - OF_THE_INSTALLATION)

    async def add(table: str, **own: Any) -> None:
        known = {**_SHARED, **_ids(of), **given.get(table, {}), **own}
        types = columns[table].items()
        row = {name: known[name] if name in known else _of_type(type_, of) for name, type_ in types}
        for name in _WRITTEN_BY_THE_DATABASE & row.keys():
            if name not in known:
                del row[name]
        await insert(admin, table, **row)

    async with admin.transaction():
        for table in tables:
            await add(table)
        await add("services", id=of.service_of_specs_id, name="of specs")
        for name, each in EXAMPLES.items():
            check_id = of.specs[name] = new_id()
            of_check = {"id": check_id, "service_id": of.service_of_specs_id, "name": name, "kind": each.kind}
            await add("checks", **of_check, **_stored(each, revision))
            await add("check_states", check_id=check_id)
            if "check_periods" in columns:
                await add("check_periods", check_id=check_id)
    return of


async def contents(admin: Any) -> Tables:
    """Return all rows of all tables, by table and by primary key; but for the number of the revision."""
    keys: dict[str, list[str]] = {}
    for table, column in await admin.fetch(
        "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indisprimary AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
        " ORDER BY c.relname, a.attnum"
    ):
        keys.setdefault(table, []).append(column)
    assert keys.keys() == (await _columns(admin)).keys(), "each table has a primary key"
    del keys["alembic_version"]
    every = " UNION ALL ".join(f"SELECT '{table}', to_jsonb(t)::text FROM {table} t" for table in keys)
    found: Tables = {table: {} for table in keys}
    for table, text in await admin.fetch(every):
        row = json.loads(text)
        found[table][" ".join(str(row[column]) for column in keys[table])] = row
    return found


def differences(before: Tables, after: Tables) -> set[tuple[str, str]]:
    """Return what of the rows before is not there after: tables, each with a column that differs, or "row"."""
    lost: set[tuple[str, str]] = set()
    for table, rows in before.items():
        for key, row in rows.items():
            now = after.get(table, {}).get(key)
            if now is None:
                lost.add((table, "row"))
            else:
                lost |= {(table, column) for column, value in row.items() if column not in now or now[column] != value}
    return lost


def _ids(of: Populated) -> Row:
    names = ("tenant_id", "user_id", "session_id", "service_id", "check_id", "window_id", "incident_id")
    return {name: getattr(of, name) for name in names}


# Columns that mean the same in every table.
_SHARED: Row = {
    "end_time": _LATER,
    "expire_time": _FAR,
    "outcome": int(Outcome.DOWN),
    "error_kind": int(ErrorKind.CONNECT_REFUSED),
    "last_error_kind": int(ErrorKind.CONNECT_REFUSED),
    "interval_us": 10 * SECOND_US,
    "life_us": HOUR_US,
    "latencies": b"",
    "failed_assertions": assertion_outcome.to_column(FAILED_ASSERTIONS),
    "attempts": failed_attempt.to_column(FAILED_ATTEMPTS, 0),
    "missed_reason": None,
}


def _given(of: Populated) -> dict[str, Row]:
    """Return the columns of each table that have values of their own."""
    spec = _PLAIN if of.revision >= _SECRETS_ARE_ENCRYPTED else _AT_FIRST
    expires = _FAR if of.revision >= _KEYS_EXPIRE else _INFINITE
    return {
        "tenants": {"id": of.tenant_id},
        "users": {"id": of.user_id},
        "sessions": {"id": of.session_id, "end_time": None},
        "api_keys": {"id": of.api_key_id, "expire_time": expires},
        "services": {"id": of.service_id, "labels": json.dumps({"team": "web"})},
        "checks": {
            "id": of.check_id, "shard": shard_of(of.check_id), "kind": "http", "timeout_us": 5 * SECOND_US,
            "failure_threshold": 2, **_stored(spec, of.revision),
        },
        "check_states": {"state": int(CheckState.DOWN), "streak_outcome": int(Outcome.DOWN)},
        "check_periods": {"end_time": None},
        "removed_checks": {"check_id": new_id()},
        "incidents": {"id": of.incident_id},
        "maintenance_windows": {
            "id": of.window_id, "rrule": "FREQ=DAILY", "time_zone": "UTC", "duration_us": HOUR_US, "planned_time": _FAR,
        },
    }  # fmt: skip


def _stored(spec: StoredSpec, revision: str) -> Row:
    """Return the column of a check that holds its spec at a revision."""
    if revision >= _SPECS_ARE_MESSAGES:
        return {"spec_message": json.dumps(spec.now)}
    return {"spec": json.dumps(spec.before)}


def _of_type(type_: str, of: Populated) -> Any:
    text = f"of {of.tenant_id}"
    values: dict[str, Any] = {
        "uuid": new_id(), "text": text, "smallint": 1, "integer": 1, "bigint": 1, "double precision": 1.0,
        "boolean": True, "timestamp with time zone": START, "bytea": of.tenant_id.bytes, "inet": "192.0.2.1",
        "jsonb": json.dumps({"name": text}),
    }  # fmt: skip
    return values[type_]


async def _columns(admin: Any) -> Mapping[str, Mapping[str, str]]:
    """Return the types of the columns of all tables, partitions left out."""
    found: dict[str, dict[str, str]] = {}
    for table, column, type_ in await admin.fetch(
        "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
        " ORDER BY c.relname, a.attnum"
    ):
        found.setdefault(table, {})[column] = type_
    return found


async def _in_order_of_references(admin: Any, tables: Iterable[str]) -> list[str]:
    """Return tables so that each comes after those that it references."""
    references: dict[str, set[str]] = {table: set() for table in tables}
    for table, referenced in await admin.fetch(
        "SELECT r.relname, t.relname FROM pg_constraint f JOIN pg_class r ON r.oid = f.conrelid"
        " JOIN pg_class t ON t.oid = f.confrelid WHERE f.contype = 'f'"
    ):
        if table in references:
            references[table].add(referenced)
    return [*TopologicalSorter(references).static_order()]
