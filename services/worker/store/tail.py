"""New results of all tenants that are read live here, in one read (docs/adr/0012)."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.checks.result import Result
from services.platform.errors import Unavailable
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.worker.rows import to_frontier, to_recorded
from services.worker.store.columns import ACQUIRE_S, RECORDED_RESULT
from services.worker.streams.position import Position

# One snapshot: below its xmin nothing is under way, so nothing comes any more but what the function finds. A row always
# comes back, and says the frontier; its results are NULL when there are none.
_TAIL = f"""
    SELECT f.cluster, f.frontier, {RECORDED_RESULT}
    FROM recording_frontier() AS f
    LEFT JOIN LATERAL tail_of_results($1, $2, $3, $4, f.frontier, $5) AS r ON true
"""  # noqa: S608 — our own text


class TailStore:
    """What is new.

    Args:
        pool: under the role sentinel_tail, which may do nothing else; times in microseconds.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def tail(
        self, tenants: Sequence[UUID], after: Position, limit: int
    ) -> tuple[Position, Sequence[tuple[Position, Result]]]:
        """The frontier, and what was recorded of some tenants behind a position and before it, in recording order.

        The frontier is the oldest transaction that is still under way, or the next one: what is before it is settled.
        If it is of another cluster than the position, what was recorded behind that means nothing.

        Raises:
            Unavailable: the database is away.
        """
        try:
            async with self._pool.acquire(timeout=ACQUIRE_S) as connection:
                rows = await connection.fetch(_TAIL, tenants, after.xid, after.slot_us, after.check_id, limit)
        except CONNECTION_ERRORS as error:
            raise Unavailable from error
        return to_frontier(rows[0]), [to_recorded(row) for row in rows if row["recorded_xid"] is not None]
