"""SQL of the engine: leases, checks and results of all tenants."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import zip_longest
from typing import TypeAlias
from uuid import UUID

import asyncpg

from services.checks.grid import PAUSE_LIMIT_US
from services.checks.result import result_columns
from services.checks.service_changes import CHANNEL, ServiceChange
from services.platform.clock import DAY_US, now_us, to_datetime
from services.platform.errors import Unavailable
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.platform.security.secret_box import NO_KEYS, SecretBox
from services.worker.check_progress import count_results
from services.worker.clock import Reading, monotonic_us
from services.worker.lease import SHARDS_FREE, Renewal, fair_share
from services.worker.record import Admit, Pending
from services.worker.report import WorkerReport
from services.worker.rows import CheckReader, add_periods, report_columns, state_columns, to_progress
from services.worker.schedule import ScheduledCheck, Watermark
from services.worker.store.columns import ACQUIRE_S, CHECK, RECORDED, insert_into
from services.worker.store.incidents import apply_transitions
from services.worker.store.maintenance import read_maintenance

_CHECKS_AT_ONCE = 1_000
# Each read of some shards costs a pass over the tables; each row that waits to be taken costs memory.
_SHARDS_AT_ONCE = 16
# How long the database may take before it counts as unavailable. A renewal leaves time for two more before the lease
# ends.
_RENEW_TIMEOUT_SHARE = 0.3
_LEAVE_TIMEOUT_S = 3.0
_RECORD_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 30.0
_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

# A paused check has no open period. The checks of a suspended tenant are off. Periods that ended and suspensions since
# the last accounted slot are looked up only where there are any.
_ON = """
    FROM checks c
    JOIN check_periods o ON o.tenant_id = c.tenant_id AND o.check_id = c.id AND o.end_time IS NULL
    JOIN check_states s ON s.tenant_id = c.tenant_id AND s.check_id = c.id
    LEFT JOIN (
        SELECT tenant_id, max(coalesce(end_time, 'infinity')) AS until FROM tenant_suspensions GROUP BY tenant_id
    ) AS off ON off.tenant_id = c.tenant_id
    WHERE (off.until IS NULL OR off.until < 'infinity')
"""
_HELD = f"""
    SELECT {CHECK}, o.start_time AS since_time, s.accounted_time,
           CASE WHEN s.accounted_time < o.start_time THEN ARRAY(
               SELECT ROW(p.start_time, p.end_time, p.interval_us) FROM check_periods p
               WHERE p.tenant_id = c.tenant_id AND p.check_id = c.id AND p.end_time > s.accounted_time
               ORDER BY p.start_time
           ) END AS former,
           CASE WHEN off.until > s.accounted_time THEN ARRAY(
               SELECT ROW(p.start_time, p.end_time) FROM tenant_suspensions p
               WHERE p.tenant_id = c.tenant_id AND p.end_time > s.accounted_time ORDER BY p.start_time
           ) END AS off
    {_ON}
"""  # noqa: S608 — our own text
_CHECKS_OF_SHARDS = f"{_HELD} AND c.shard = ANY($1::smallint[])"
_CHECKS_BY_KEY = f"{_HELD} AND (c.tenant_id, c.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))"  # noqa: S608 — our own text
_CHECKS_OF_TENANTS = (
    "SELECT tenant_id, id FROM checks WHERE tenant_id = ANY($1::uuid[]) AND shard = ANY($2::smallint[])"
)
_COUNTS = f"SELECT c.shard, count(*) AS checks {_ON} AND c.shard = ANY($1::smallint[]) GROUP BY c.shard"
_CHANGED_SINCE = "SELECT tenant_id, id, update_time FROM checks WHERE update_time >= $1 AND shard = ANY($2::smallint[])"

# Each state with the open period and the epoch of the shard's lease, against which a result is checked.
_LOCK_STATES = """
    SELECT s.tenant_id, s.check_id, s.state, s.state_time, s.streak, s.streak_outcome, s.streak_time, s.verdict_time,
           s.accounted_time, o.start_time AS since_time, o.interval_us, l.epoch
    FROM check_states s
    JOIN unnest($1::uuid[], $2::uuid[], $3::smallint[]) AS w (tenant_id, check_id, shard)
        ON w.tenant_id = s.tenant_id AND w.check_id = s.check_id
    LEFT JOIN check_periods o ON o.tenant_id = s.tenant_id AND o.check_id = s.check_id AND o.end_time IS NULL
    LEFT JOIN shard_leases l ON l.shard = w.shard
    ORDER BY s.tenant_id, s.check_id
    FOR UPDATE OF s
"""
_PERIODS = """
    SELECT p.check_id, p.start_time, p.end_time, p.interval_us
    FROM check_periods p JOIN unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, check_id)
        ON w.tenant_id = p.tenant_id AND w.check_id = p.check_id
"""
_WRITE_STATES = """
    UPDATE check_states s
    SET state = w.state, state_time = w.state_time, streak = w.streak, streak_outcome = w.streak_outcome,
        streak_time = w.streak_time, verdict_time = w.verdict_time, accounted_time = w.accounted_time
    FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::timestamptz[], $5::smallint[], $6::smallint[],
                $7::timestamptz[], $8::timestamptz[], $9::timestamptz[])
        AS w(tenant_id, check_id, state, state_time, streak, streak_outcome, streak_time, verdict_time, accounted_time)
    WHERE s.tenant_id = w.tenant_id AND s.check_id = w.check_id
"""

_WRITE_RESULTS = insert_into("results")
# Once per transaction: readers of streams only need to know when it is settled.
_NOTIFY = f"SELECT pg_notify('{RECORDED}', pg_current_xact_id()::text)"
# Only if the shown state changes, to avoid useless reads: most batches change no state.
_NOTIFY_MOVED = f"SELECT pg_notify('{CHANNEL}', move) FROM unnest($1::text[]) AS move"  # noqa: S608 — our own text

# The share of shards is fair if no worker holds more than its part: it releases what is over, for others to claim.
_LIVE = """
    INSERT INTO workers (id, instance_id, host, version, start_time, renew_time, checks_held, runs_in_flight,
                         runs_waiting, lag_p50_us, lag_p99_us, runs_per_second)
    VALUES ($1, $2, $3, $4, now() - make_interval(secs => $5), now(), $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO UPDATE SET
        renew_time = now(), checks_held = excluded.checks_held, runs_in_flight = excluded.runs_in_flight,
        runs_waiting = excluded.runs_waiting, lag_p50_us = excluded.lag_p50_us, lag_p99_us = excluded.lag_p99_us,
        runs_per_second = excluded.runs_per_second
    RETURNING clock_timestamp()
"""
# After an outage all workers look dead to each other, and each has locked its own row: waiting for those would
# deadlock. So a dead one may remain, and is not counted.
_FORGET_DEAD = """
    DELETE FROM workers WHERE id IN (
        SELECT id FROM workers WHERE renew_time < now() - make_interval(secs => $1) FOR UPDATE SKIP LOCKED
    )
"""
# A worker without renewal since the clock was stepped back would look alive until time catches up.
_SHORTEN_LIVES = """
    UPDATE workers SET renew_time = now() WHERE id IN (
        SELECT id FROM workers WHERE renew_time > now() + interval '1 s' FOR UPDATE SKIP LOCKED
    )
"""
_SHORTEN_LEASES = """
    UPDATE shard_leases SET expire_time = now() + make_interval(secs => $1) WHERE shard IN (
        SELECT shard FROM shard_leases WHERE expire_time > now() + make_interval(secs => $1 + 1)
        FOR UPDATE SKIP LOCKED
    )
"""
_LIVE_AND_NEXT = """
    SELECT count(*) FILTER (WHERE NOT $3 OR renew_time >= now() - make_interval(secs => $2)) AS live,
           (SELECT extract(epoch FROM min(expire_time) - now())::float8 FROM shard_leases
            WHERE worker_id <> $1 AND expire_time > now()) AS free_in_s
    FROM workers
"""
# Expired leases too, as long as no other worker has taken them: their epoch is unchanged.
_RENEW = """
    UPDATE shard_leases SET expire_time = now() + make_interval(secs => $2)
    WHERE worker_id = $1
    RETURNING shard, epoch
"""
_GIVE_UP = (
    "UPDATE shard_leases SET worker_id = NULL, expire_time = '-infinity' WHERE worker_id = $1 AND shard = ANY($2)"
)
# The longest expired first.
_CLAIM = """
    UPDATE shard_leases SET worker_id = $1, epoch = epoch + 1, expire_time = now() + make_interval(secs => $2)
    WHERE shard IN (
        SELECT shard FROM shard_leases WHERE expire_time <= now() AND ($4 OR worker_id IS NULL)
        ORDER BY expire_time, shard LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    RETURNING shard, epoch
"""
_RESTART_GRID = "SELECT restart_grid($1::smallint[], clock_timestamp(), make_interval(secs => $2::bigint / 1000000.0))"
_LEAVE = "UPDATE shard_leases SET worker_id = NULL, expire_time = '-infinity' WHERE worker_id = $1"
_NOTIFY_FREE = f"SELECT pg_notify('{SHARDS_FREE}', $1)"


class EngineStore:
    """SQL of leases, checks and results of all tenants.

    Args:
        pool: connections under the role sentinel_engine, with times in microseconds.
        box: decrypts secrets of checks.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", box: SecretBox = NO_KEYS) -> None:
        self._pool = pool
        self._box = box
        self._days: set[int] = set()

    async def renew(
        self, worker_id: str, ttl_s: float, report: WorkerReport, *, claim_expired: bool, ahead_us: int | None = None
    ) -> Renewal:
        """Report that this worker is live, and renew its leases, expired or not, unless another worker has taken them.

        Release shards beyond the fair share and notify the others. Up to the share, claim released shards, and with
        `claim_expired` expired ones, unless the database's clock was stepped forward.

        Raises:
            Unavailable: the database is unavailable.
        """
        async with self._transaction(_RENEW_TIMEOUT_SHARE * ttl_s) as connection:
            asked_us = monotonic_us()
            database_us = await connection.fetchval(_LIVE, worker_id, *report_columns(report))
            reading = Reading(database_us, asked_us, monotonic_us())
            claim_expired = claim_expired and not reading.steps_forward(ahead_us)
            if claim_expired:
                await connection.execute(_FORGET_DEAD, ttl_s)
                await connection.execute(_SHORTEN_LIVES)
                await connection.execute(_SHORTEN_LEASES, ttl_s)
            ((live, free_in_s),) = await connection.fetch(_LIVE_AND_NEXT, worker_id, ttl_s, claim_expired)
            share = fair_share(live)
            held = {row["shard"]: row["epoch"] for row in await connection.fetch(_RENEW, worker_id, ttl_s)}
            if len(held) > share:
                over = sorted(held)[share:]
                await connection.execute(_GIVE_UP, worker_id, over)
                await connection.execute(_NOTIFY_FREE, worker_id)
                held = {shard: epoch for shard, epoch in held.items() if shard not in over}
            elif len(held) < share:
                claimed = await connection.fetch(_CLAIM, worker_id, ttl_s, share - len(held), claim_expired)
                held |= {row["shard"]: row["epoch"] for row in claimed}
            return Renewal(epochs=held, reading=reading, free_in_s=free_in_s)

    async def leave(self, worker_id: str) -> None:
        """Release all shards and notify the others, so that they claim them at once.

        Raises:
            Unavailable: the database is unavailable.
        """
        async with self._transaction(_LEAVE_TIMEOUT_S) as connection:
            # In the order in which renew locks the rows: a renewal of this worker may still be in progress.
            await connection.execute("DELETE FROM workers WHERE id = $1", worker_id)
            await connection.execute(_LEAVE, worker_id)
            await connection.execute(_NOTIFY_FREE, worker_id)

    async def checks_of_shards(
        self, shards: Collection[int]
    ) -> AsyncIterator[Sequence[tuple[ScheduledCheck, Watermark]]]:
        """Yield the checks of some shards that are on, with their accounts, in batches.

        Raises:
            Unavailable: the database is unavailable.
        """
        read, ordered = CheckReader(self._box), sorted(shards)
        groups = [ordered[first : first + _SHARDS_AT_ONCE] for first in range(0, len(ordered), _SHARDS_AT_ONCE)]
        # The next group is fetched while this one is processed.
        ahead: asyncio.Task[list[asyncpg.Record]] | None = None
        try:
            for group, following in zip_longest(groups, groups[1:]):
                rows = await (ahead or self._fetch(_CHECKS_OF_SHARDS, group))
                ahead = asyncio.create_task(self._fetch(_CHECKS_OF_SHARDS, following)) if following else None
                for first in range(0, len(rows), _CHECKS_AT_ONCE):
                    yield [read(row) for row in rows[first : first + _CHECKS_AT_ONCE]]
                    await asyncio.sleep(0)  # due runs start in between
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def checks_by_key(self, keys: Collection[tuple[UUID, UUID]]) -> Sequence[tuple[ScheduledCheck, Watermark]]:
        """Return those of some checks that are on, with their accounts.

        Raises:
            Unavailable: the database is unavailable.
        """
        rows = await self._fetch(_CHECKS_BY_KEY, [key[0] for key in keys], [key[1] for key in keys])
        return [*map(CheckReader(self._box), rows)]

    async def checks_of_tenants(
        self, tenants: Collection[UUID], shards: Collection[int]
    ) -> Sequence[tuple[UUID, UUID]]:
        """Return some tenants' checks in some shards, on or off.

        Raises:
            Unavailable: the database is unavailable.
        """
        return [
            (row["tenant_id"], row["id"]) for row in await self._fetch(_CHECKS_OF_TENANTS, list(tenants), list(shards))
        ]

    async def changed_since(self, since_us: int, shards: Collection[int]) -> Sequence[tuple[tuple[UUID, UUID], int]]:
        """Return the checks of some shards that were changed at or after a time, with the time of the change.

        Raises:
            Unavailable: the database is unavailable.
        """
        rows = await self._fetch(_CHANGED_SINCE, since_us, list(shards))
        return [((row["tenant_id"], row["id"]), row["update_time"]) for row in rows]

    async def counts(self, shards: Collection[int]) -> Mapping[int, int]:
        """Return the number of checks of each shard that are on; shards without any are omitted.

        Raises:
            Unavailable: the database is unavailable.
        """
        return {row["shard"]: row["checks"] for row in await self._fetch(_COUNTS, list(shards))}

    async def restart_grid(self, shards: Collection[int]) -> Reading:
        """Restart the grid of checks in some shards whose accounts are further ahead than the grid waits for.

        Return a reading of the database's clock.

        Raises:
            Unavailable: the database is unavailable.
        """
        async with self._connection(_READ_TIMEOUT_S) as connection:
            asked_us = monotonic_us()
            database_us = await connection.fetchval(_RESTART_GRID, list(shards), PAUSE_LIMIT_US)
            return Reading(database_us, asked_us, monotonic_us())

    async def record(self, batch: Sequence[Pending], admit: Admit | None = None) -> int:
        """Write results with the resulting states and incidents in one transaction (semantics.md §14).

        Return how many counted. Results that do not count (check_progress.py), or whose check was deleted, are omitted.

        Raises:
            Unavailable: the database is unavailable; the outcome is unknown, and writing the batch again does no harm.
        """
        for day in {pending.result.slot_us // DAY_US for pending in batch} - self._days:
            await self._make_partition(day)
        checks = {pending.result.check_id: pending.check for pending in batch}
        async with self._transaction(_RECORD_TIMEOUT_S) as connection:
            locked = await connection.fetch(
                _LOCK_STATES,
                [check.tenant_id for check in checks.values()],
                list(checks),
                [check.shard for check in checks.values()],
            )
            if admit is not None:
                asked_us = monotonic_us()
                database_us = await connection.fetchval("SELECT clock_timestamp()")
                batch = admit(Reading(database_us, asked_us, monotonic_us()))
            progress_by_check = {row["check_id"]: to_progress(row) for row in locked}
            former = {
                pending.result.check_id
                for pending in batch
                if (progress := progress_by_check.get(pending.result.check_id))
                and not progress.is_current_period(pending)
            }
            if former:
                tenants = [progress_by_check[check_id].tenant_id for check_id in former]
                add_periods(progress_by_check, await connection.fetch(_PERIODS, tenants, list(former)))
            turning = {
                pending.result.check_id
                for pending in batch
                if (progress := progress_by_check.get(pending.result.check_id)) and progress.may_transition(pending)
            }
            if turning:
                results = [pending for pending in batch if pending.result.check_id in turning]
                await read_maintenance(connection, results, progress_by_check)
            before = {check_id: progress.track for check_id, progress in progress_by_check.items()}
            counted = count_results(batch, progress_by_check)
            if counted:
                await connection.execute(_WRITE_RESULTS, *result_columns([pending.result for pending in counted]))
                moved = {pending.result.check_id: progress_by_check[pending.result.check_id] for pending in counted}
                await connection.execute(_WRITE_STATES, *state_columns(moved))
                if transitions := [progress.transitions for progress in moved.values() if progress.transitions]:
                    await apply_transitions(connection, transitions)
                await connection.execute(_NOTIFY)
                now = now_us()
                news = {
                    ServiceChange(each.tenant_id, checks[check_id].service_id).payload()
                    for check_id, each in moved.items()
                    if each.changes_display(before[check_id], now)
                }
                if news:
                    await connection.execute(_NOTIFY_MOVED, list(news))
        return len(counted)

    async def _make_partition(self, day: int) -> None:
        """Create the partition for the results of a day (UTC), counted from the Unix epoch."""
        await self._fetch("SELECT make_results_partition($1)", to_datetime(day * DAY_US).date())
        self._days.add(day)

    async def _fetch(self, query: str, *arguments: object) -> "list[asyncpg.Record]":
        async with self._connection(_READ_TIMEOUT_S) as connection:
            return await connection.fetch(query, *arguments)

    @asynccontextmanager
    async def _transaction(self, patience_s: float) -> AsyncIterator[_Connection]:
        async with self._connection(patience_s) as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _connection(self, patience_s: float) -> AsyncIterator[_Connection]:
        """Yield a connection that is terminated if it is in use for too long.

        A network may lose packets silently. Cancelling a statement would use the same network, so the connection is
        terminated, which ends every wait for it at once.

        Raises:
            Unavailable: the database is unavailable, or silent for too long.
        """
        try:
            async with self._pool.acquire(timeout=ACQUIRE_S) as connection:
                watchdog = asyncio.get_running_loop().call_later(patience_s, connection.terminate)
                try:
                    yield connection
                finally:
                    watchdog.cancel()
        except CONNECTION_ERRORS as error:
            raise Unavailable from error
