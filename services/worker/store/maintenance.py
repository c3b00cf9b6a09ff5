"""SQL that reads the maintenance windows of a batch's checks, in the transaction that records their results."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

import asyncpg

from services.checks.maintenance import LONGEST_SPAN_US
from services.worker.check_progress import CheckProgress
from services.worker.record import Pending

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_SPANS = """
    SELECT tenant_id, service_id, start_time, end_time FROM maintenance_spans
    WHERE tenant_id = ANY($1::uuid[]) AND start_time > $2 AND start_time <= $4 AND end_time > $3
"""


async def read_maintenance(
    connection: _Connection, results: Sequence[Pending], progress_by_check: Mapping[UUID, CheckProgress]
) -> None:
    """Add to the progress of some checks the windows that may cover their results.

    Args:
        connection: the transaction that holds the states of their checks.
        results: all results of these checks in the batch; at least one.
        progress_by_check: the progress, by check.
    """
    slots = [pending.result.slot_us for pending in results]
    first_us, last_us = min(slots), max(slots)
    tenants = list({pending.check.tenant_id for pending in results})
    rows = await connection.fetch(_SPANS, tenants, first_us - LONGEST_SPAN_US, first_us, last_us)
    if not rows:
        return
    spans: dict[tuple[UUID, UUID | None], list[tuple[int, int]]] = {}
    for row in rows:
        spans.setdefault((row["tenant_id"], row["service_id"]), []).append((row["start_time"], row["end_time"]))
    for pending in results:
        tenant_id, service_id = pending.check.tenant_id, pending.check.service_id
        covering = (*spans.get((tenant_id, None), ()), *spans.get((tenant_id, service_id), ()))
        progress_by_check[pending.result.check_id].maintenance = covering
