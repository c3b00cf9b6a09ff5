"""SQL of requests; every transaction sees one tenant."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from services.checks.result import Result, from_row, result_columns
from services.platform.errors import Unavailable
from services.platform.paging import PageRequest
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.platform.postgres.connection_shares import ConnectionShares
from services.platform.postgres.database import tenant_transaction
from services.platform.security.secret_box import NO_KEYS, SecretBox
from services.worker.report import TenantWorker
from services.worker.rows import CheckReader, to_frontier, to_recorded, to_tenant_worker
from services.worker.schedule import ScheduledCheck
from services.worker.store.columns import ACQUIRE_S, CHECK, RECORDED_RESULT, insert_into
from services.worker.streams.position import Position

_FIND_CHECK = f"SELECT {CHECK} FROM checks c WHERE c.tenant_id = $1 AND c.service_id = $2 AND c.id = $3"  # noqa: S608 — our own text
# Workers and leases belong to no tenant; they are selected by the shards of the tenant's checks.
_OWN_WORKERS = """
    FROM workers w JOIN (
        SELECT l.worker_id, count(*) AS checks
        FROM checks c
        JOIN check_periods p ON p.tenant_id = c.tenant_id AND p.check_id = c.id AND p.end_time IS NULL
        JOIN shard_leases l ON l.shard = c.shard AND l.expire_time > now()
        WHERE c.tenant_id = $1
        GROUP BY l.worker_id
    ) held ON held.worker_id = w.id
"""
_COUNT_WORKERS = f"SELECT count(*) {_OWN_WORKERS}"
_LIST_WORKERS = f"""
    SELECT w.id, w.instance_id, w.start_time, w.renew_time, held.checks AS checks_held,
           w.renew_time > now() - make_interval(secs => $2) AS live
    {_OWN_WORKERS}
    WHERE $3::uuid IS NULL OR w.instance_id > $3
    ORDER BY w.instance_id
    LIMIT $4
"""
_WRITE_ON_DEMAND = insert_into("on_demand_results")
_FIND_RESULT = {
    table: f"SELECT {RECORDED_RESULT} FROM {table} WHERE tenant_id = $1 AND check_id = $2 AND slot_time = $3"  # noqa: S608 — our own text
    for table in ("results", "on_demand_results")
}
_FRONTIER = "SELECT cluster, frontier FROM recording_frontier()"
# The cluster's row is always returned; the results are NULL if there are none.
_RECORDED_AFTER = f"""
    SELECT f.cluster, f.frontier, {RECORDED_RESULT}
    FROM recording_frontier() AS f
    LEFT JOIN LATERAL results_recorded_behind($1, $2, $3, $4, $5, $6, $7, $8) AS r ON true
"""  # noqa: S608 — our own text


class TenantStore:
    """SQL of requests; every transaction sees one tenant.

    Args:
        pool: connections under the role sentinel_worker, with times in microseconds.
        box: decrypts secrets of checks.
        shares: the shares of the pool's connections by tenant; by default one for all of the pool.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        box: SecretBox = NO_KEYS,
        shares: ConnectionShares | None = None,
    ) -> None:
        self._pool = pool
        self._shares = shares or ConnectionShares(pool.get_max_size())
        self._box = box

    @asynccontextmanager
    async def _tenant(self, tenant_id: UUID) -> "AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]":
        async with self._shares.holding(tenant_id), tenant_transaction(self._pool, tenant_id) as connection:
            yield connection

    @asynccontextmanager
    async def _connection(self, tenant_id: UUID) -> "AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]":
        """Yield a connection for a tenant's call that sees no tenant's rows."""
        async with self._shares.holding(tenant_id):
            try:
                async with self._pool.acquire(timeout=ACQUIRE_S) as connection:
                    yield connection
            except CONNECTION_ERRORS as error:
                raise Unavailable from error

    async def list_workers(
        self, tenant_id: UUID, page: PageRequest, overdue_s: float
    ) -> tuple[Sequence[TenantWorker], int]:
        """Return a page of the workers that run checks of the tenant plus one more, and the total.

        Args:
            tenant_id: the tenant of the caller.
            page: the page; the oldest worker first.
            overdue_s: the age of the last renewal, in seconds, up to which a worker counts as live.

        Raises:
            ResourceExhausted: OVERLOADED.
            Unavailable: the database is unavailable.
        """
        async with self._tenant(tenant_id) as connection:
            rows = await connection.fetch(_LIST_WORKERS, tenant_id, overdue_s, page.after, page.size + 1)
            total = await connection.fetchval(_COUNT_WORKERS, tenant_id)
        return [to_tenant_worker(row) for row in rows], total

    async def find_check(self, tenant_id: UUID, service_id: UUID, check_id: UUID) -> ScheduledCheck | None:
        """Return a check of a service; None if the service has no such check."""
        async with self._tenant(tenant_id) as connection:
            row = await connection.fetchrow(_FIND_CHECK, tenant_id, service_id, check_id)
        return CheckReader(self._box).check(row) if row else None

    async def has_service(self, tenant_id: UUID, service_id: UUID) -> bool:
        """Return whether the tenant has a service."""
        async with self._tenant(tenant_id) as connection:
            query = "SELECT true FROM services WHERE tenant_id = $1 AND id = $2"
            return bool(await connection.fetchval(query, tenant_id, service_id))

    async def has_check(self, tenant_id: UUID, check_id: UUID) -> bool:
        """Return whether the tenant has a check."""
        async with self._tenant(tenant_id) as connection:
            query = "SELECT true FROM checks WHERE tenant_id = $1 AND id = $2"
            return bool(await connection.fetchval(query, tenant_id, check_id))

    async def has_check_of(self, tenant_id: UUID, service_id: UUID, check_id: UUID) -> bool:
        """Return whether a service has a check."""
        async with self._tenant(tenant_id) as connection:
            query = "SELECT true FROM checks WHERE tenant_id = $1 AND service_id = $2 AND id = $3"
            return bool(await connection.fetchval(query, tenant_id, service_id, check_id))

    async def find_result(self, tenant_id: UUID, check_id: UUID, slot_us: int, *, on_demand: bool) -> Result | None:
        """Return a recorded result; None if there is none."""
        query = _FIND_RESULT["on_demand_results" if on_demand else "results"]
        async with self._tenant(tenant_id) as connection:
            row = await connection.fetchrow(query, tenant_id, check_id, slot_us)
        return from_row(row, int) if row else None

    async def record_on_demand(self, tenant_id: UUID, result: Result) -> None:
        """Insert the result of an on-demand run."""
        async with self._tenant(tenant_id) as connection:
            await connection.execute(_WRITE_ON_DEMAND, *result_columns([result]))

    async def frontier(self, tenant_id: UUID) -> Position:
        """Return the position after everything whose order is settled.

        Args:
            tenant_id: the tenant of the caller.

        Raises:
            ResourceExhausted: OVERLOADED.
            Unavailable: the database is unavailable.
        """
        async with self._connection(tenant_id) as connection:
            rows = await connection.fetch(_FRONTIER)
        return to_frontier(rows[0])

    async def recorded_after(
        self, tenant_id: UUID, after: Position, up_to: Position, limit: int
    ) -> tuple[Position, Sequence[tuple[Position, Result]]]:
        """Return the frontier, and a tenant's results after one position and up to another one, in recording order.

        If the frontier is of another cluster than the positions, the results are meaningless.

        Raises:
            Unavailable: the database is unavailable.
        """
        async with self._connection(tenant_id) as connection:
            rows = await connection.fetch(
                _RECORDED_AFTER,
                tenant_id,
                after.xid,
                after.slot_us,
                after.check_id,
                up_to.xid,
                up_to.slot_us,
                up_to.check_id,
                limit,
            )
        return to_frontier(rows[0]), [to_recorded(row) for row in rows if row["recorded_xid"] is not None]
