"""PgBouncer 1.18 before PostgreSQL: wherever it cannot serve the services, it is refused with the reason.

The services work under their roles only (docs/adr/0004), which PgBouncer passes on in no mode of its own accord.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from services.platform.postgres.connection import DatabaseUnusable, connect
from services.platform.postgres.database import Database, create_pool
from tests.support.ports import free_port
from tests.support.stack import Stack, until
from tests.system.postgres import DebianPostgres, Owner
from tests.system.servers import Server, running
from tools.system.debian_root import DebianRoot

_IGNORED = "ignore_startup_parameters = role, idle_in_transaction_session_timeout"


@pytest.fixture(scope="module")
def owner(debian_postgres: DebianPostgres) -> Owner:
    """Who owns the database."""
    return debian_postgres.new_database()


@pytest.fixture
async def role(owner: Owner, debian_postgres: DebianPostgres) -> AsyncIterator[str]:
    """A role that the owner may act as."""
    admin = await asyncpg.connect(owner.url(debian_postgres.port))
    try:
        await admin.execute(f"CREATE ROLE {owner.name}_role")
        await admin.execute(f"GRANT {owner.name}_role TO {owner.name}")
        yield f"{owner.name}_role"
        await admin.execute(f"DROP ROLE {owner.name}_role")
    finally:
        await admin.close()


@contextmanager
def _pgbouncer(
    debian: DebianRoot, debian_postgres: DebianPostgres, owner: Owner, folder: Path, *, database: str, settings: str
) -> Iterator[Server]:
    port = free_port()
    folder.mkdir()
    (folder / "users.txt").write_text(f'"{owner.name}" "{owner.password}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"""
[databases]
{owner.name} = host=127.0.0.1 port={debian_postgres.port} {database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = users.txt
{settings}
"""
    )
    with running(debian, folder, port, ["exec", "pgbouncer", "pgbouncer.ini"]) as server:
        yield server


@pytest.fixture(scope="module")
def default(debian: DebianRoot, debian_postgres: DebianPostgres, owner: Owner, short_folder: Path) -> Iterator[Server]:
    """PgBouncer in session mode with its default settings."""
    folder = short_folder / "pgbouncer-default"
    with _pgbouncer(debian, debian_postgres, owner, folder, database="", settings="pool_mode = session") as server:
        yield server


async def test_a_connection_that_sets_no_role_is_taken(default: Server, owner: Owner) -> None:
    connection = await asyncpg.connect(owner.url(default.port))
    try:
        assert await connection.fetchval("SELECT current_user") == owner.name
    finally:
        await connection.close()


async def test_by_default_it_refuses_the_role_and_the_reason_is_told(default: Server, owner: Owner) -> None:
    url = owner.url(default.port)
    database, pool = Database(url, "sentinel_monitor"), await create_pool(url, "sentinel_monitor", 1)
    try:
        with pytest.raises(DatabaseUnusable) as refused:
            async with database.untenanted():
                pass
        with pytest.raises(DatabaseUnusable):
            await pool.acquire()
        with pytest.raises(DatabaseUnusable):
            await connect(url, "sentinel_monitor")
    finally:
        await pool.close()
        await database.close()
    assert refused.value.explanation == (
        "SENTINEL_DATABASE_URL points to a connection pooler that rejects a startup parameter (unsupported startup "
        "parameter: role); connect to PostgreSQL directly"
    )


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_a_role_that_it_is_set_to_ignore_is_missed(
    debian: DebianRoot, debian_postgres: DebianPostgres, owner: Owner, short_folder: Path, role: str, mode: str
) -> None:
    settings = f"pool_mode = {mode}\n{_IGNORED}"
    folder = short_folder / f"pgbouncer-ignoring-{mode}"
    with (
        _pgbouncer(debian, debian_postgres, owner, folder, database="", settings=settings) as server,
        pytest.raises(DatabaseUnusable) as refused,
    ):
        await connect(owner.url(server.port), role)
    reason = {
        "session": f"SENTINEL_DATABASE_URL opens connections with the role {owner.name} instead of {role}",
        "transaction": "SENTINEL_DATABASE_URL points to a connection pooler in transaction mode",
    }
    assert refused.value.explanation.startswith(reason[mode])


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_where_it_sets_the_role_itself_session_mode_is_told_from_transaction_mode(
    debian: DebianRoot, debian_postgres: DebianPostgres, owner: Owner, short_folder: Path, role: str, mode: str
) -> None:
    """With idle server connections to choose from, and statements that others run at the same time."""
    settings = f"pool_mode = {mode}\nserver_round_robin = 1\n{_IGNORED}"
    folder = short_folder / f"pgbouncer-role-{mode}"
    database = f"connect_query='SET ROLE {role}'"
    with _pgbouncer(debian, debian_postgres, owner, folder, database=database, settings=settings) as server:
        url = owner.url(server.port)
        others = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(5)]
        for each in others:
            await each.execute("BEGIN")
        for each in others:
            await each.execute("COMMIT")
        if mode == "session":
            connection = await connect(url, role)
            assert await connection.fetchval("SELECT current_user") == role
            connection.terminate()
        else:
            for _ in range(3):
                with pytest.raises(DatabaseUnusable) as refused:
                    await connect(url, role)
                assert refused.value.explanation.startswith(
                    "SENTINEL_DATABASE_URL points to a connection pooler in transaction mode"
                )
        for each in others:
            each.terminate()


def test_the_stack_serves_nothing_and_says_why(default: Server, owner: Owner, short_folder: Path) -> None:
    stack = Stack(data_dir=short_folder / "pooled", settings={"SENTINEL_DATABASE_URL": owner.url(default.port)})
    stack.launch()
    try:
        with stack.rest() as client:
            until(lambda: _status(client, "/healthz") is not None)
            until(lambda: stack.said().count("sentinel: SENTINEL_DATABASE_URL points to a connection pooler") >= 3)
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
