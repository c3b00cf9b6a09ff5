"""Health asks over the connection that listens, or over one of its own, which comes back by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from services.platform.errors import Unavailable
from services.platform.postgres.database import Database
from services.platform.postgres.health_connection import HealthConnection
from services.platform.postgres.listener import Listener
from services.platform.rpc.server import background
from tests.support.patience import PATIENCE_S

ROLE = "sentinel_monitor"


async def backends(admin: "asyncpg.Connection[asyncpg.Record]") -> list[int]:
    """The processes of PostgreSQL that serve the role."""
    rows = await admin.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = $1", ROLE)
    return [row["pid"] for row in rows]


async def test_health_is_answered_while_every_connection_of_the_pool_is_in_use(database_url: str) -> None:
    database, health = (
        Database(database_url, ROLE, size=1),
        HealthConnection(database_url, ROLE, Listener(database_url, ROLE), wait_s=PATIENCE_S),
    )
    async with database.untenanted():
        assert database.in_use == database.size
        await health.ping()
    health.close()
    await database.close()


async def test_one_connection_is_kept_and_made_again_after_it_was_lost(database_url: str) -> None:
    admin = await asyncpg.connect(database_url)
    health = HealthConnection(database_url, ROLE, Listener(database_url, ROLE), wait_s=PATIENCE_S)
    for _ in range(3):
        await health.ping()
    (first,) = await backends(admin)

    await admin.execute("SELECT pg_terminate_backend($1, 60000)", first)
    await health.ping()
    (second,) = await backends(admin)
    assert second != first
    health.close()
    await admin.close()


@asynccontextmanager
async def way_without_an_end(database_url: str, folder: Path) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A way to the database that passes on all that the server says, but not that it closed the connection.

    Yields:
        its URL, and what is set when the server has closed a connection.
    """
    host = parse_qs(urlsplit(database_url).query)["host"][0]
    closed = asyncio.Event()
    # Kept until they are closed: from Python 3.13 on, one that is collected earlier warns.
    writers: list[asyncio.StreamWriter] = []
    served: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432")
        writers.extend((writer, server_writer))
        served.add(asyncio.create_task(pass_on(reader, server_writer)))
        await pass_on(server_reader, writer)
        closed.set()

    server = await asyncio.start_unix_server(serve, folder / ".s.PGSQL.5432")
    try:
        yield database_url.replace(host, str(folder)), closed
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*served)
        await server.wait_closed()


async def test_a_connection_that_the_server_ended_says_nothing_about_the_database(
    database_url: str, tmp_path: Path
) -> None:
    """PostgreSQL says that it ends a connection before it closes it; asyncpg may have read only the first of both."""
    admin = await asyncpg.connect(database_url)
    async with way_without_an_end(database_url, tmp_path) as (url, closed):
        health = HealthConnection(url, ROLE, Listener(url, ROLE), wait_s=PATIENCE_S)
        await health.ping()
        (first,) = await backends(admin)

        await admin.execute("SELECT pg_terminate_backend($1, 60000)", first)
        await closed.wait()
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
    url = f"postgresql://somebody@127.0.0.1:{port}/x?sslmode=disable"
    health = HealthConnection(url, ROLE, Listener(url, ROLE), wait_s=0.2)
    with pytest.raises(Unavailable):
        await health.ping()
    await taken.wait()
    await gone.wait()
    server.close()
    await server.wait_closed()


async def test_health_shares_the_connection_that_listens_and_has_its_own_only_while_that_one_is_away(
    database_url: str,
) -> None:
    admin = await asyncpg.connect(database_url)
    listener, connected = Listener(database_url, ROLE), asyncio.Event()
    health = HealthConnection(database_url, ROLE, listener, wait_s=PATIENCE_S)

    async def on_connect() -> None:
        connected.set()

    listener.subscribe({}, on_connect)
    await health.ping()
    (own,) = await backends(admin)  # no listener runs yet
    async with background(listener.run()):
        await connected.wait()
        await health.ping()
        (shared,) = await backends_but(admin, own)

        connected.clear()
        await admin.execute("SELECT pg_terminate_backend($1, 60000)", shared)
        await health.ping()  # whether or not the listener is back
        await connected.wait()
        await health.ping()
        (again,) = await backends_but(admin, shared)
        assert again != own
    health.close()
    await admin.close()


async def backends_but(admin: "asyncpg.Connection[asyncpg.Record]", gone: int) -> list[int]:
    """The processes that serve the role, once PostgreSQL has ended one."""
    while gone in (found := await backends(admin)) or len(found) > 1:  # noqa: ASYNC110 — PostgreSQL offers no event to wait for
        await asyncio.sleep(0)
    return found
