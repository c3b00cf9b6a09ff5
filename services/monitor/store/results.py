"""SQL that lists results by time and outcome, from a bounded part of the history."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.checks.result import Result, from_row
from services.monitor.results import ResultBatch, ResultFilter
from services.monitor.store.base import Sql
from services.platform.clock import from_datetime, to_datetime
from services.shared_sql.tables import checks, on_demand_results, results

# How many rows one page scans if it filters by outcome: a few milliseconds.
MOST_SCANNED = 20_000


class ResultSql(Sql):
    """SQL of results."""

    async def has_check(self, tenant_id: UUID, service_id: UUID, check_id: UUID) -> bool:
        """Return whether the service has this check."""
        query = select(checks.c.id).where(
            checks.c.tenant_id == tenant_id, checks.c.service_id == service_id, checks.c.id == check_id
        )
        async with self._database.tenant(tenant_id) as connection:
            return (await connection.execute(query)).one_or_none() is not None

    async def results_before(self, tenant_id: UUID, check_id: UUID, wanted: ResultFilter, most: int) -> ResultBatch:
        """Return at most so many matching results, newest first, from a bounded part of the history.

        It reads along the key from the newest slot down, so a page costs the same for any length of history.
        """
        table = on_demand_results if wanted.on_demand else results
        of_check: list[ColumnElement[bool]] = [table.c.tenant_id == tenant_id, table.c.check_id == check_id]
        async with self._database.tenant(tenant_id) as connection:
            from_us = await _first_slot(connection, table, of_check, wanted.from_us)
            within = [*of_check, table.c.slot_time < to_datetime(wanted.to_us)]
            looked_to_us = None
            if wanted.outcomes:
                looked_to_us = await _scan_limit(connection, table, within, from_us)
                within.append(table.c.outcome.in_([int(outcome) for outcome in wanted.outcomes]))
            lowest_us = from_us if looked_to_us is None else looked_to_us
            query = (
                select(table)
                .where(*within, table.c.slot_time >= to_datetime(lowest_us))
                .order_by(table.c.slot_time.desc())
                .limit(most + 1)
            )
            rows = (await connection.execute(query)).mappings()
            found: Sequence[Result] = [from_row(dict(row)) for row in rows]
        if len(found) > most:
            return ResultBatch(found[:most], found[most - 1].slot_us)
        return ResultBatch(found, looked_to_us)


async def _first_slot(
    connection: AsyncConnection, table: Table, of_check: Sequence[ColumnElement[bool]], from_us: int
) -> int:
    """Return the first slot to read, so that MISSED slots that begin before the time and reach past it are included."""
    query: Any = (
        select(table.c.slot_time, table.c.interval_us, table.c.slot_count)
        .where(*of_check, table.c.slot_time < to_datetime(from_us))
        .order_by(table.c.slot_time.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return from_us
    slot_us = from_datetime(row.slot_time)
    return slot_us if slot_us + (row.slot_count - 1) * row.interval_us >= from_us else from_us


async def _scan_limit(
    connection: AsyncConnection, table: Table, within: Sequence[ColumnElement[bool]], from_us: int
) -> int | None:
    """Return the oldest slot that one page scans; None if it scans all."""
    slots = (
        select(table.c.slot_time)
        .where(*within, table.c.slot_time >= to_datetime(from_us))
        .order_by(table.c.slot_time.desc())
        .limit(MOST_SCANNED)
        .subquery()
    )
    query = select(func.count().label("looked_at"), func.min(slots.c.slot_time).label("oldest"))
    row = (await connection.execute(query)).one()
    return from_datetime(row.oldest) if row.looked_at == MOST_SCANNED else None
