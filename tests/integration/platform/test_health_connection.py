"""Health asks over a connection of its own, which comes back by itself."""

import asyncio

import asyncpg
import pytest

from services.platform.errors import Unavailable
from services.platform.postgres.database import Database
from services.platform.postgres.health_connection import HealthConnection

ROLE = "sentinel_monitor"


async def backends(admin: "asyncpg.Connection[asyncpg.Record]") -> list[int]:
    """The processes of PostgreSQL that serve the role."""
    rows = await admin.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = $1", ROLE)
    return [row["pid"] for row in rows]


async def test_health_is_answered_while_every_connection_of_the_pool_is_in_use(database_url: str) -> None:
    database, health = Database(database_url, ROLE, size=1), HealthConnection(database_url, ROLE)
    async with database.untenanted():
        assert database.in_use == database.size
        await health.ping()
    health.close()
    await database.close()


async def test_one_connection_is_kept_and_made_again_after_it_was_lost(database_url: str) -> None:
    admin = await asyncpg.connect(database_url)
    health = HealthConnection(database_url, ROLE)
    for _ in range(3):
        await health.ping()
    (first,) = await backends(admin)

    await admin.execute("SELECT pg_terminate_backend($1, 5000)", first)
    await health.ping()
    (second,) = await backends(admin)
    assert second != first
    health.close()
    await admin.close()


async def test_a_database_that_takes_connections_and_says_nothing_is_waited_for_no_longer_than_said() -> None:
    taken = asyncio.Event()
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.set()
        await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    health = HealthConnection(f"postgresql://somebody@127.0.0.1:{port}/x?sslmode=disable", ROLE, wait_s=0.2)
    with pytest.raises(Unavailable):
        await health.ping()
    assert taken.is_set()
    await gone.wait()
    server.close()
    await server.wait_closed()
