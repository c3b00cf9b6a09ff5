"""Properties of every database connection of the services."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.platform.errors import Unavailable
from services.platform.postgres import shrinking_pool
from services.platform.postgres.database import Database, create_pool, tenant_transaction
from tests.support.patience import PATIENCE_S


async def test_who_stands_still_in_a_transaction_loses_its_locks_to_those_who_go_on(database_url: str) -> None:
    """A worker that is stopped between two statements would keep the next holder from recording."""
    pool = await create_pool(database_url, "sentinel_worker", 1)
    admin = await asyncpg.connect(database_url)
    passed_on = False

    async def stand_still() -> None:
        nonlocal passed_on
        async with tenant_transaction(pool, UUID(int=1)) as stalled:
            await stalled.execute("SELECT pg_advisory_xact_lock(1)")
            async with asyncio.timeout(PATIENCE_S):
                await admin.execute("SELECT pg_advisory_xact_lock(1)")
            passed_on = True
            await stalled.execute("SELECT 1")

    with pytest.raises(Unavailable):
        await stand_still()
    assert passed_on
    await admin.close()
    await pool.close()


async def test_an_error_does_not_repeat_what_a_statement_was_given(database_url: str) -> None:
    """Its text goes into the log."""
    database = Database(database_url, "sentinel_monitor", size=1)
    with pytest.raises(DBAPIError) as error:
        async with database.untenanted() as connection:
            await connection.execute(text("SELECT 1 / length(:given) / 0"), {"given": "s3cret"})
    await database.close()

    assert "division by zero" in str(error.value)
    assert "s3cret" not in str(error.value)


async def test_connections_that_a_busy_moment_needed_are_closed_when_calls_come_one_by_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking_pool, "IDLE_S", 0.0)
    database, admin = Database(database_url, "sentinel_monitor", size=4), await asyncpg.connect(database_url)

    async def call() -> None:
        async with database.untenanted() as connection:
            await connection.execute(text("SELECT 1"))

    async def backends() -> int:
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sentinel_monitor'"
        return int(await admin.fetchval(count))

    async with AsyncExitStack() as all_four:
        for _ in range(4):
            await all_four.enter_async_context(database.untenanted())
        assert await backends() == 4
    while await backends() > 1:
        await call()
    await asyncio.gather(*(call() for _ in range(8)))  # all four can be made again
    assert database.in_use == 0
    await database.close()
    await admin.close()
