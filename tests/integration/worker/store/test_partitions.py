"""Results are in partitions of a day each, created when the first result of the day is recorded."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.checks.outcome import Outcome
from services.platform.clock import DAY_US
from services.platform.postgres.database import create_pool
from services.worker.store import EngineStore
from tests.integration.worker.store.in_sql import in_sql
from tests.integration.worker.store.scene import INTERVAL_US, Scene

PARTITIONS = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'results'::regclass"


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_days_get_their_partitions_as_results_come(
    database_url: str, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with in_sql(database_url) as installation:
        scene = await Scene.of(installation)
        days_later = 3 * DAY_US // INTERVAL_US

        assert await scene.record(scene.pending(0, Outcome.UP), scene.pending(days_later, Outcome.UP)) == 2
        assert (await scene.kept()).slots == [scene.slot(0), scene.slot(days_later)]
        assert await admin.fetchval(PARTITIONS) == 2


async def test_a_day_that_all_want_at_once_is_made_once(
    database_url: str, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    pool = await create_pool(database_url, "sentinel_engine", 4, times_in_us=True)
    try:
        await asyncio.gather(*(EngineStore(pool)._make_partition(20_455) for _ in range(4)))
    finally:
        await pool.close()

    assert await admin.fetchval(PARTITIONS) == 1
