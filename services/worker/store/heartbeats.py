"""SQL of signals: recording them, and reading them for the engine."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from services.platform.errors import Unavailable
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.worker.heartbeats.heartbeat import HeartbeatReport
from services.worker.heartbeats.signal_ingest import Signal
from services.worker.store.columns import ACQUIRE_S

# How long the database may take before it counts as unavailable.
_TIMEOUT_S = 10.0
# Without a record of liveness for so long, the ingest is interrupted: it is recorded every 2 s.
_OUTAGE = timedelta(seconds=5)

_REPORT = """
    SELECT report_heartbeats($1::bytea[], $2::bigint[], $3::boolean[], $4::boolean[], $5::bigint[], $6::integer[])
"""
_REPORTED = """
    SELECT h.tenant_id, h.check_id, now() AS read_time, o.start_time AS on_time, h.last_signal_time,
           h.last_success_time, h.last_exit_code, h.last_failure_time, h.last_failure_code,
           CASE WHEN r.is_away THEN r.last_time ELSE r.outage_start_time END AS outage_start_time,
           CASE WHEN r.is_away THEN now() ELSE r.outage_end_time END AS outage_end_time
    FROM (SELECT *, last_time < now() - $3::interval AS is_away FROM heartbeat_reception) AS r,
         unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, check_id)
    JOIN heartbeats h ON h.tenant_id = w.tenant_id AND h.check_id = w.check_id
    LEFT JOIN check_periods o ON o.tenant_id = h.tenant_id AND o.check_id = h.check_id AND o.end_time IS NULL
"""
# A time far ahead is from before the clock was stepped back. The values on the right are those before the update. After
# an outage Envoy needs a moment to find a worker again.
_RECORD_LIVENESS = """
    UPDATE heartbeat_reception SET
        outage_start_time = CASE WHEN last_time < now() - $1::interval THEN last_time ELSE outage_start_time END,
        outage_end_time = CASE WHEN last_time < now() - $1::interval THEN now() + $1::interval ELSE outage_end_time END,
        last_time = CASE WHEN last_time > now() + $1::interval THEN now() ELSE greatest(last_time, now()) END
"""


class SignalIngestSql:
    """SQL that records signals.

    Args:
        pool: connections under the role sentinel_worker.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def report(self, signals: Sequence[tuple[bytes, Signal]]) -> Collection[bytes]:
        """Record signals by the hashes of their tokens; return the hashes that are known.

        Raises:
            Unavailable: the database is unavailable; the outcome is unknown, and recording them again does no harm.
        """
        rows = await _fetch(
            self._pool,
            _REPORT,
            [token_hash for token_hash, _ in signals],
            [signal.exit_code for _, signal in signals],
            [signal.success for _, signal in signals],
            [signal.failure for _, signal in signals],
            [signal.failure_code for _, signal in signals],
            [signal.count for _, signal in signals],
        )
        return {row[0] for row in rows}

    async def record_liveness(self) -> None:
        """Record that signals are received now; this ends an outage of the ingest.

        Raises:
            Unavailable: the database is unavailable.
        """
        await _fetch(self._pool, _RECORD_LIVENESS, _OUTAGE)


class SignalsSql:
    """SQL that reads signals.

    Args:
        pool: connections under the role sentinel_engine, with times in microseconds.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def reported(self, checks: Collection[tuple[UUID, UUID]]) -> Mapping[tuple[UUID, UUID], HeartbeatReport]:
        """Return the signals of some heartbeats; deleted ones are omitted.

        Raises:
            Unavailable: the database is unavailable.
        """
        tenants, ids = [check[0] for check in checks], [check[1] for check in checks]
        rows = await _fetch(self._pool, _REPORTED, tenants, ids, _OUTAGE)
        return {(row["tenant_id"], row["check_id"]): _to_reported(row) for row in rows}


def _to_reported(row: "asyncpg.Record") -> HeartbeatReport:
    start_us, end_us = row["outage_start_time"], row["outage_end_time"]
    return HeartbeatReport(
        read_us=row["read_time"],
        on_us=row["on_time"],
        signal_us=row["last_signal_time"],
        success_us=row["last_success_time"],
        exit_code=row["last_exit_code"],
        failure_us=row["last_failure_time"],
        failure_code=row["last_failure_code"],
        outage=None if start_us is None else (start_us, end_us),
    )


async def _fetch(pool: "asyncpg.Pool[asyncpg.Record]", query: str, *arguments: object) -> "Sequence[asyncpg.Record]":
    """Return rows, over a connection that is terminated if it takes too long: a network may lose packets silently."""
    try:
        async with pool.acquire(timeout=ACQUIRE_S) as connection:
            watchdog = asyncio.get_running_loop().call_later(_TIMEOUT_S, connection.terminate)
            try:
                return await connection.fetch(query, *arguments)
            finally:
                watchdog.cancel()
    except CONNECTION_ERRORS as error:
        raise Unavailable from error
