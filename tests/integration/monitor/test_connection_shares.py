"""A tenant whose queries hang keeps nobody else from the database (blocked by a lock, not by chance)."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text

from services.platform.errors import ResourceExhausted
from services.platform.ids import new_id
from services.platform.postgres.common_store import CommonStore
from services.platform.postgres.database import RESERVED_CONNECTIONS, Database
from services.platform.postgres.health_connection import HealthConnection
from services.platform.postgres.listener import Listener
from tests.integration.monitor.conftest import Admin
from tests.support.patience import PATIENCE_S

ROLE = "sentinel_monitor"
SIZE = 8 + RESERVED_CONNECTIONS
SHARE = 4
LOCK = 12


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connections as a process has them."""
    database = Database(database_url, ROLE, SIZE, RESERVED_CONNECTIONS, wait_s=PATIENCE_S)
    yield database
    await database.close()


async def blocked(database: Database, tenant_id: UUID) -> None:
    """A query that ends when the lock is free."""
    async with database.tenant(tenant_id) as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({LOCK})"))


async def waiting_in_the_database(admin: Admin, count: int) -> None:
    """Return when so many queries wait for the lock."""
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted"
    async with asyncio.timeout(PATIENCE_S):
        while await admin.fetchval(query, LOCK) != count:  # noqa: ASYNC110 — PostgreSQL does not notify of locks that are waited for
            await asyncio.sleep(0)


async def test_blocked_queries_of_a_tenant_take_its_share_and_everybody_else_is_served(
    database_url: str, database: Database, admin: Admin
) -> None:
    greedy, other = new_id(), new_id()
    health = HealthConnection(database_url, ROLE, Listener(database_url, ROLE), wait_s=PATIENCE_S)
    await admin.execute(f"SELECT pg_advisory_lock({LOCK})")
    calls = [asyncio.create_task(blocked(database, greedy)) for _ in range(20)]
    await waiting_in_the_database(admin, SHARE)
    assert database.in_use == database.shares.held_by(greedy) == SHARE
    assert database.shares.waiting_of(greedy) == 20 - SHARE

    async with database.tenant(other) as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await CommonStore(database).public_keys()
    await health.ping()

    await admin.execute(f"SELECT pg_advisory_unlock({LOCK})")
    await asyncio.gather(*calls)
    assert database.in_use == database.shares.held_by(greedy) == database.shares.waiting_of(greedy) == 0
    health.close()


async def test_what_belongs_to_no_tenant_finds_a_connection_while_tenants_hold_all_of_theirs(
    database: Database, admin: Admin
) -> None:
    await admin.execute(f"SELECT pg_advisory_lock({LOCK})")
    calls = []
    taken = 0
    for share in (4, 2, 1, 1):
        tenant_id = new_id()
        calls += [asyncio.create_task(blocked(database, tenant_id)) for _ in range(share)]
        taken += share
        await waiting_in_the_database(admin, taken)
    assert database.in_use == SIZE - RESERVED_CONNECTIONS

    await CommonStore(database).public_keys()
    async with database.tenant_in_background(new_id()) as connection:
        assert await connection.scalar(text("SELECT 1")) == 1

    await admin.execute(f"SELECT pg_advisory_unlock({LOCK})")
    await asyncio.gather(*calls)


async def test_cancelled_calls_give_their_connections_back(database: Database, admin: Admin) -> None:
    greedy = new_id()
    await admin.execute(f"SELECT pg_advisory_lock({LOCK})")
    calls = [asyncio.create_task(blocked(database, greedy)) for _ in range(SHARE)]
    await waiting_in_the_database(admin, SHARE)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert database.in_use == database.shares.held_by(greedy) == 0
    await waiting_in_the_database(admin, 0)
    await admin.execute(f"SELECT pg_advisory_unlock({LOCK})")

    await asyncio.gather(*(blocked(database, greedy) for _ in range(2 * SHARE)))


async def test_a_failing_query_gives_its_connection_back(database: Database) -> None:
    tenant_id = new_id()
    for _ in range(2 * SIZE):
        with pytest.raises(ZeroDivisionError):
            async with database.tenant(tenant_id):
                raise ZeroDivisionError
    assert database.in_use == database.shares.held_by(tenant_id) == 0


async def test_calls_beyond_the_share_are_refused_while_its_queries_hang(database_url: str, admin: Admin) -> None:
    database = Database(database_url, ROLE, SIZE, RESERVED_CONNECTIONS, wait_s=0.0)
    greedy = new_id()
    await admin.execute(f"SELECT pg_advisory_lock({LOCK})")
    calls = [asyncio.create_task(blocked(database, greedy)) for _ in range(SHARE)]
    await waiting_in_the_database(admin, SHARE)
    with pytest.raises(ResourceExhausted) as refused:
        await blocked(database, greedy)
    assert refused.value.metadata == {"limit": str(SHARE), "actual": str(SHARE + 1)}

    await admin.execute(f"SELECT pg_advisory_unlock({LOCK})")
    await asyncio.gather(*calls)
    await blocked(database, greedy)
    await database.close()
