"""SQL of all workers, for the operator; a tenant sees only those that run its checks (tenant.py)."""

from collections.abc import Sequence

import asyncpg

from services.platform.errors import Unavailable
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.worker.report import RecordedWorker
from services.worker.rows import to_worker
from services.worker.store.columns import ACQUIRE_S

_LIST_WORKERS = """
    SELECT w.*, w.renew_time > now() - make_interval(secs => $1) AS live, coalesce(l.held, 0) AS shards_held
    FROM workers w LEFT JOIN (
        SELECT worker_id, count(*) AS held FROM shard_leases WHERE expire_time > now() GROUP BY worker_id
    ) l ON l.worker_id = w.id
    ORDER BY w.instance_id
"""


class WorkersSql:
    """SQL of workers' reports.

    Args:
        pool: connections under the role sentinel_worker, with times in microseconds.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def list_all_workers(self, overdue_s: float) -> Sequence[RecordedWorker]:
        """Return all workers, the oldest first.

        Args:
            overdue_s: the age of the last renewal, in seconds, up to which a worker counts as live.

        Raises:
            Unavailable: the database is unavailable.
        """
        try:
            async with self._pool.acquire(timeout=ACQUIRE_S) as connection:
                return [to_worker(row) for row in await connection.fetch(_LIST_WORKERS, overdue_s)]
        except CONNECTION_ERRORS as error:
            raise Unavailable from error
