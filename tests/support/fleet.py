"""Thousands of checks, and their results, read as the owner of the tables."""

import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import asyncpg

from services.checks.check_changes import TENANT_CHANNEL
from services.checks.grid import SHARDS, shard_of
from services.checks.outcome import MissedReason, Outcome
from services.checks.specs.http import HttpSpec
from services.platform.clock import SECOND_US, from_datetime, now_us
from services.platform.ids import new_id
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.worker.lease import fair_share
from tests.support.ledger import Entry, Ledger
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port, takes_connections
from tests.support.rows import spec_column
from tests.support.stack import Stack, Team, until

_POLL_S = 0.1
T = TypeVar("T")

_MAKE_CHECKS = """
    INSERT INTO checks (tenant_id, id, service_id, shard, name, kind, spec_message, interval_us, timeout_us,
                        failure_threshold, recovery_threshold, retries, create_time, update_time)
    SELECT $1, id, $2, shard, 'check ' || number, 'http', replace($3, '{number}', number::text)::jsonb, $4, $5, 2, 1, 0,
           now(), now()
    FROM unnest($6::uuid[], $7::smallint[]) WITH ORDINALITY AS w(id, shard, number)
"""
_MAKE_STATES = """
    INSERT INTO check_states (tenant_id, check_id, state, streak, streak_outcome, accounted_time)
    SELECT $1, id, 3, 0, 0, now() FROM unnest($2::uuid[]) AS w(id)
"""
_MAKE_PERIODS = """
    INSERT INTO check_periods (tenant_id, check_id, start_time, interval_us)
    SELECT $1, id, now(), $2 FROM unnest($3::uuid[]) AS w(id)
"""
_MAKE_MARKS = """
    INSERT INTO check_rollups (tenant_id, check_id, rolled_time)
    SELECT $1, id, date_trunc('hour', now(), 'UTC') FROM unnest($2::uuid[]) AS w(id)
"""
_FAILURES = f"""
    SELECT error_message, count(*) FROM results WHERE outcome IN ({int(Outcome.DOWN)}, {int(Outcome.ERROR)}) GROUP BY 1
"""
_LEASES = "SELECT shard, worker_id, epoch FROM shard_leases WHERE worker_id IS NOT NULL AND expire_time > now()"
_CHECKS = """
    SELECT c.id, c.shard, c.interval_us, c.create_time, s.accounted_time, s.state
    FROM checks c JOIN check_states s ON s.tenant_id = c.tenant_id AND s.check_id = c.id
"""
_RESULTS = """
    SELECT check_id, slot_time, outcome, missed_reason, slot_count, worker_id FROM results ORDER BY check_id, slot_time
"""


@dataclass(frozen=True, slots=True)
class Books:
    """All checks with their results, from one snapshot.

    Attributes:
        ledgers: the checks with their results.
        accounted_us: check → its last accounted slot.
        states: check → the number of its state.
    """

    ledgers: list[Ledger]
    accounted_us: Mapping[UUID, int]
    states: Mapping[UUID, int]


class Fleet:
    """Checks on a stack.

    Args:
        stack: a running stack with the embedded database.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    @asynccontextmanager
    async def owner(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """Yield a connection without restrictions."""
        folder = (self._stack.data_dir / "run").readlink() / "postgres"
        connection = await asyncpg.connect(f"postgresql://postgres@/sentinel?host={folder}", timeout=60)
        try:
            yield connection
        finally:
            await connection.close()

    async def make(self, team: Team, count: int, url: str, interval_s: int, timeout_s: float = 2.0) -> None:
        """Insert checks at once, since creating them takes a minute; `{number}` in the URL is the number of each."""
        tenant_id, service_id = UUID(team.registered["tenant"]["id"]), UUID(team.service())
        ids = [new_id() for _ in range(count)]
        interval_us = interval_s * SECOND_US
        timeout_us = min(round(timeout_s * SECOND_US), interval_us * 4 // 5)
        spec = spec_column(HttpSpec(url=url))
        async with self.owner() as admin, admin.transaction():
            shards = [shard_of(each) for each in ids]
            arguments = (tenant_id, service_id, spec, interval_us, timeout_us, ids, shards)
            await admin.execute(_MAKE_CHECKS, *arguments)
            await admin.execute(_MAKE_STATES, tenant_id, ids)
            await admin.execute(_MAKE_PERIODS, tenant_id, interval_us, ids)
            await admin.execute(_MAKE_MARKS, tenant_id, ids)
            await admin.execute("SELECT pg_notify($1, $2)", TENANT_CHANNEL, str(tenant_id))

    async def holders(self) -> dict[int, str]:
        """Return the present holder of each shard, by the database's clock."""
        async with self.owner() as admin:
            return {row["shard"]: row["worker_id"] for row in await admin.fetch(_LEASES)}

    async def renewed_us(self) -> int:
        """Return the oldest last renewal of all workers."""
        async with self.owner() as admin:
            return from_datetime(await admin.fetchval("SELECT min(renew_time) FROM workers"))

    async def shared_by(self, workers: int, timeout_s: float = PATIENCE_S) -> dict[int, str]:
        """Wait until so many workers hold all shards, each its fair share; return shard → worker."""

        async def shared() -> dict[int, str] | None:
            holders = await self.holders()
            held = [list(holders.values()).count(each) for each in set(holders.values())]
            fair = len(held) == workers and sum(held) == SHARDS and max(held) <= fair_share(workers)
            return holders if fair else None

        return await eventually(shared, timeout_s)

    async def settled(self, workers: int) -> dict[int, str]:
        """Wait until so many workers share all shards and run their checks; return shard → worker.

        A worker that has just claimed shards runs them once it has read their checks. Some of their slots fall due
        within a second of the last handover, and only the new holders can account for those.
        """
        holders = await self.shared_by(workers)
        await self.accounted_until(now_us() + SECOND_US)
        return holders

    async def accounted_until(self, moment_us: int, timeout_s: float = PATIENCE_S) -> None:
        """Wait until every slot up to a time is accounted for."""

        async def accounted() -> bool:
            async with self.owner() as admin:
                behind = "SELECT count(*) FROM checks c JOIN check_states s ON s.check_id = c.id WHERE"
                query = f"{behind} s.accounted_time + make_interval(secs => c.interval_us / 1e6) <= to_timestamp($1)"
                return bool(await admin.fetchval(query, moment_us / SECOND_US) == 0)

        await eventually(accounted, timeout_s)

    async def failures(self) -> list[tuple[str, int]]:
        """Return the messages of DOWN and ERROR results with their number."""
        async with self.owner() as admin:
            return [tuple(row) for row in await admin.fetch(_FAILURES)]

    async def books(self) -> Books:
        """Return all checks with their results."""
        async with self.owner() as admin, admin.transaction(isolation="repeatable_read", readonly=True):
            checks = await admin.fetch(_CHECKS)
            entries: dict[UUID, list[Entry]] = defaultdict(list)
            for check_id, slot_time, outcome, reason, count, worker_id in await admin.fetch(_RESULTS):
                reason = MissedReason(reason) if reason else None  # noqa: PLW2901 — the number's name
                entries[check_id].append(
                    Entry(
                        slot_us=from_datetime(slot_time),
                        outcome=Outcome(outcome),
                        reason=reason,
                        count=count,
                        worker_id=worker_id,
                    )
                )
        return Books(
            [
                Ledger(
                    check_id=row["id"],
                    shard=row["shard"],
                    interval_us=row["interval_us"],
                    create_us=from_datetime(row["create_time"]),
                    entries=entries[row["id"]],
                )
                for row in checks
            ],
            {row["id"]: from_datetime(row["accounted_time"]) for row in checks},
            {row["id"]: row["state"] for row in checks},
        )


async def eventually(condition: Callable[[], Awaitable[T | None]], timeout_s: float) -> T:
    """Return the first result of a condition that is not None; an unavailable database counts as None.

    Raises:
        TimeoutError: there is none in time.
    """
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                if answer := await condition():
                    return answer
            except CONNECTION_ERRORS:
                pass  # asked again
            await asyncio.sleep(_POLL_S)


@contextmanager
def cheap_target() -> Iterator[str]:
    """Yield the URL of a cheap target that takes connections."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.support.cheap_target", str(port)])
    try:
        until(lambda: takes_connections(port))
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()
