"""SQL that reads new results of all tenants with live streams at once (docs/adr/0012)."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.checks.result import Result
from services.platform.errors import Unavailable
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.worker.rows import to_frontier, to_recorded
from services.worker.store.columns import ACQUIRE_S, RECORDED_RESULT
from services.worker.streams.position import Position

# One snapshot: no transaction below its xmin is in progress, so the function finds all its results. There is always a
# row, with the frontier; its results are NULL if there are none.
_TAIL = f"""
    SELECT f.cluster, f.frontier, {RECORDED_RESULT}
    FROM recording_frontier() AS f
    LEFT JOIN LATERAL tail_of_results($1, $2, $3, $4, f.frontier, $5) AS r ON true
"""  # noqa: S608 — our own text


class TailStore:
    """SQL of new results.

    Args:
        pool: connections under the role sentinel_tail, which may do nothing else, with times in microseconds.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def tail(
        self, tenants: Sequence[UUID], after: Position, limit: int
    ) -> tuple[Position, Sequence[tuple[Position, Result]]]:
        """Return the frontier, and what was recorded of some tenants between a position and it, in recording order.

        The frontier is the oldest transaction in progress, or the next one: results before it are settled. If it is of
        another cluster than the position, the results are meaningless.

        Raises:
            Unavailable: the database is unavailable.
        """
        try:
            async with self._pool.acquire(timeout=ACQUIRE_S) as connection:
                rows = await connection.fetch(_TAIL, tenants, after.xid, after.slot_us, after.check_id, limit)
        except CONNECTION_ERRORS as error:
            raise Unavailable from error
        return to_frontier(rows[0]), [to_recorded(row) for row in rows if row["recorded_xid"] is not None]
