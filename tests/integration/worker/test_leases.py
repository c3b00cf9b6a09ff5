"""semantics.md §5: a renewal waits neither for another worker's nor for a database that has gone silent."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.checks.grid import SHARDS
from services.platform.errors import Unavailable
from services.platform.postgres.database import create_pool
from services.worker.lease import TTL_S
from services.worker.store import EngineStore, engine
from tests.support.patience import PATIENCE_S
from tests.support.rows import a_report


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[EngineStore]:
    pool = await create_pool(database_url, "sentinel_engine", 2, times_in_us=True)
    yield EngineStore(pool)
    await pool.close()


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_a_worker_that_looks_dead_and_is_just_coming_back_is_not_waited_for(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """After an outage all workers look dead to each other at once, and each would wait for the others."""
    await store.renew("other", TTL_S, a_report(), claim_expired=True)
    await admin.execute("UPDATE workers SET renew_time = now() - interval '1 minute'")
    await admin.execute("UPDATE shard_leases SET expire_time = now()")
    async with admin.transaction():
        await admin.execute("SELECT FROM workers WHERE id = 'other' FOR UPDATE")  # as its own renewal does
        mine = await store.renew("mine", TTL_S, a_report(), claim_expired=True)  # if it waited, it would be Unavailable
    assert len(mine.epochs) == SHARDS  # nor is it counted before it is back


async def test_a_database_that_goes_silent_counts_as_away_while_there_is_time_to_try_again(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    held = await store.renew("mine", TTL_S, a_report(), claim_expired=True)
    async with admin.transaction():
        await admin.execute("SELECT FROM workers WHERE id = 'mine' FOR UPDATE")  # nothing answers from now on
        with pytest.raises(Unavailable):
            await store.renew("mine", TTL_S, a_report(), claim_expired=True)
    assert 2 * engine._RENEW_TIMEOUT_SHARE < 1  # of the time that a lease lasts
    held_still = "SELECT count(*) FROM shard_leases WHERE worker_id = 'mine' AND expire_time > now()"
    assert await admin.fetchval(held_still) == SHARDS
    assert (await store.renew("mine", TTL_S, a_report(), claim_expired=True)).epochs == held.epochs


async def test_who_gives_shards_up_tells_the_others(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    heard: asyncio.Queue[object] = asyncio.Queue()
    await admin.add_listener("shards_free", lambda *message: heard.put_nowait(message[-1]))
    await store.renew("one", TTL_S, a_report(), claim_expired=True)
    await store.renew("two", TTL_S, a_report(), claim_expired=True)
    await store.renew("one", TTL_S, a_report(), claim_expired=True)  # gives up half
    async with asyncio.timeout(PATIENCE_S):
        assert await heard.get() == "one"
    await store.leave("two")
    async with asyncio.timeout(PATIENCE_S):
        assert await heard.get() == "two"
