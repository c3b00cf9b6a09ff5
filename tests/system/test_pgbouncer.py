"""PgBouncer 1.18 between the stack and PostgreSQL, in session mode with its default settings.

It refuses connections that set a role as they start. The services work under their roles only (docs/adr/0004), so
nothing is served through it.
"""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from services.common.database import Database, connect, create_pool
from services.common.errors import Unavailable
from tests.e2e.stack import Stack, until
from tests.ports import free_port
from tests.system.postgres import DebianPostgres, Owner
from tests.system.servers import Server, running
from tools.system.debian_root import DebianRoot

_START_S = 60.0
_ROLES = ("sentinel_auth", "sentinel_monitor", "sentinel_worker")


@pytest.fixture(scope="module")
def owner(debian_postgres: DebianPostgres) -> Owner:
    """Who owns the database."""
    return debian_postgres.new_database()


@pytest.fixture(scope="module")
def pgbouncer(
    debian: DebianRoot, debian_postgres: DebianPostgres, owner: Owner, short_folder: Path
) -> Iterator[Server]:
    """PgBouncer before the database."""
    folder, port = short_folder / "pgbouncer", free_port()
    folder.mkdir()
    (folder / "users.txt").write_text(f'"{owner.name}" "{owner.password}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"""
[databases]
{owner.name} = host=127.0.0.1 port={debian_postgres.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = users.txt
pool_mode = session
"""
    )
    with running(debian, folder, port, ["exec", "pgbouncer", "pgbouncer.ini"]) as server:
        yield server


async def test_a_connection_that_sets_no_role_is_taken(pgbouncer: Server, owner: Owner) -> None:
    connection = await asyncpg.connect(owner.url(pgbouncer.port))
    try:
        assert await connection.fetchval("SELECT current_user") == owner.name
    finally:
        await connection.close()


async def test_no_service_gets_a_connection_without_its_role(pgbouncer: Server, owner: Owner) -> None:
    url = owner.url(pgbouncer.port)
    database, pool = Database(url, "sentinel_monitor"), await create_pool(url, "sentinel_monitor", 1)
    try:
        with pytest.raises(Unavailable):
            async with database.untenanted():
                pass
        with pytest.raises(asyncpg.PostgresConnectionError, match="role"):
            await pool.acquire()
        with pytest.raises(asyncpg.PostgresConnectionError, match="role"):
            await connect(url, "sentinel_monitor")
    finally:
        await pool.close()
        await database.close()


def test_the_stack_serves_nothing(pgbouncer: Server, owner: Owner, short_folder: Path) -> None:
    stack = Stack(data_dir=short_folder / "pooled", settings={"SENTINEL_DATABASE_URL": owner.url(pgbouncer.port)})
    stack.launch()
    try:
        until(lambda: all(f"unsupported startup parameter: role={role}" in pgbouncer.log for role in _ROLES), _START_S)
        with stack.rest() as client:
            until(lambda: _status(client, "/healthz") is not None, _START_S)
            assert _status(client, "/healthz") == 503
            assert client.post("/auth/register", json={}).status_code == 503
    finally:
        stack.stop()
    assert "is up after" not in stack.said()
    assert stack.said().endswith("stopped\n")


def _status(client: httpx.Client, path: str) -> int | None:
    """Return the status of an answer; None where nobody listens."""
    try:
        return client.get(path).status_code
    except httpx.ConnectError:
        return None
