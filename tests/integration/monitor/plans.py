"""What the store asked of the database, and how PostgreSQL goes about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.engine import Engine

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


async def plan_of(admin: Any, tenant_id: UUID, statement: Statement) -> str:
    """How a statement is run for a tenant under monitor's role: with the policies, and with what was touched."""
    text, given = statement
    async with admin.transaction():
        await admin.execute("SET LOCAL ROLE sentinel_monitor")
        await admin.execute("SELECT set_config('app.tenant_id', $1, true)", str(tenant_id))
        rows = await admin.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {text}", *given)
    return "\n".join(row[0] for row in rows)
