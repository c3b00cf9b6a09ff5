"""What the store asked of the database, and how PostgreSQL goes about it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from asyncpg.connection import LoggedQuery
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

Statement = tuple[str, tuple[Any, ...]]


@contextmanager
def asked() -> Iterator[list[Statement]]:
    """Collects every statement that is run meanwhile, with what it was given, as the driver gets them."""
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, given: Any, *_rest: object) -> None:
        seen.append((statement, tuple(given or ())))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextmanager
def asked_of_the_driver() -> Iterator[list[Statement]]:
    """Collects what is asked meanwhile around SQLAlchemy, as the rollup does for what many rows go by."""
    seen: list[Statement] = []
    heard = []

    def note(query: LoggedQuery) -> None:
        if query.query.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            seen.append((query.query, tuple(query.args)))

    def hear(connection: Any, *_rest: object) -> None:
        connection.driver_connection.add_query_logger(note)
        heard.append(connection.driver_connection)

    event.listen(Pool, "checkout", hear)
    try:
        yield seen
    finally:
        event.remove(Pool, "checkout", hear)
        for connection in heard:
            connection.remove_query_logger(note)


async def plan_of(admin: Any, tenant_id: UUID, statement: Statement) -> str:
    """How a statement is run for a tenant under monitor's role: with the policies, and with what was touched."""
    text, given = statement
    async with admin.transaction():
        await admin.execute("SET LOCAL ROLE sentinel_monitor")
        await admin.execute("SELECT set_config('app.tenant_id', $1, true)", str(tenant_id))
        rows = await admin.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {text}", *given)
    return "\n".join(row[0] for row in rows)


async def walked_over(admin: Any, role: str, tenant_id: UUID, statement: Statement, tables: str) -> list[str]:
    """Those tables, of a pattern of names, that a statement would be run over from end to end.

    Asked as the driver asks: at first with what it was given, later with a plan for anything.
    """
    text, given = statement
    found: list[str] = []
    for mode in ("force_custom_plan", "force_generic_plan"):
        async with admin.transaction():
            await admin.execute(f"SET LOCAL ROLE {role}")
            await admin.execute(f"SET LOCAL plan_cache_mode = {mode}")
            await admin.execute("SELECT set_config('app.tenant_id', $1, true)", str(tenant_id))
            plan = json.loads(await admin.fetchval(f"EXPLAIN (FORMAT JSON) {text}", *given))
        found += [
            f"{node['Relation Name']} ({mode}): {text}"
            for node in _nodes(plan)
            if node["Node Type"].endswith("Seq Scan") and re.fullmatch(tables, node["Relation Name"])
        ]
    return found


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, list):
        for each in plan:
            yield from _nodes(each)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        for value in plan.values():
            yield from _nodes(value)
