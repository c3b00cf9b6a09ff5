"""What holds for every connection of ours."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.platform.errors import Unavailable
from services.platform.postgres.database import Database, create_pool, tenant_transaction


async def test_who_stands_still_in_a_transaction_loses_its_locks_to_those_who_go_on(database_url: str) -> None:
    """A worker that is stopped between two statements would keep the next holder from recording."""
    pool = await create_pool(database_url, "sentinel_worker", 1)
    admin = await asyncpg.connect(database_url)
    passed_on = False

    async def stand_still() -> None:
        nonlocal passed_on
        async with tenant_transaction(pool, UUID(int=1)) as stalled:
            await stalled.execute("SELECT pg_advisory_xact_lock(1)")
            async with asyncio.timeout(8):
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
