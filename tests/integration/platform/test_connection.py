"""A connection that does not act as its role, or that row-level security does not bind, is never used."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from services.platform.postgres import connection as connection_module
from services.platform.postgres.connection import DatabaseUnusable, connect
from services.platform.postgres.database import Database, create_pool
from services.platform.postgres.health_connection import HealthConnection
from services.platform.postgres.listener import Listener
from tests.support.pooler import Pooler
from tests.support.ports import free_port

ROLE = "sentinel_monitor"


@asynccontextmanager
async def service(name: str, url: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a service by itself, its two streams in one."""
    environment = {
        "PATH": os.environ["PATH"],
        "SENTINEL_DATABASE_URL": url,
        "SENTINEL_DATA_DIR": str(folder / "data"),
        "SENTINEL_LISTEN": f"unix:{folder}/{name}.sock",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{name}.app", env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def by_database(url: str) -> None:
    database = Database(url, ROLE, size=1)
    try:
        async with database.untenanted():
            pass
    finally:
        await database.close()


async def by_pool(url: str) -> None:
    pool = await create_pool(url, ROLE, 1, times_in_us=True)
    try:
        async with pool.acquire():
            pass
    finally:
        await pool.close()


async def by_connection(url: str) -> None:
    (await connect(url, ROLE)).terminate()


async def by_health(url: str) -> None:
    health = HealthConnection(url, ROLE, Listener(url, ROLE))
    try:
        await health.ping()
    finally:
        health.close()


WAYS = [by_database, by_pool, by_connection, by_health]


@pytest.mark.parametrize("way", WAYS)
async def test_no_way_to_the_database_is_used_when_the_role_was_dropped(
    database_url: str, way: Callable[[str], Awaitable[None]]
) -> None:
    async with Pooler(url=database_url).running() as url:
        await way(url)
    async with Pooler(url=database_url, drops_roles=[ROLE]).running() as url:
        with pytest.raises(DatabaseUnusable) as refused:
            await way(url)
    assert refused.value.explanation == (
        "SENTINEL_DATABASE_URL opens connections with the role postgres instead of sentinel_monitor, so "
        "row-level security would not separate tenants: a pooler drops the startup parameter `role`; connect to "
        "PostgreSQL directly"
    )


async def test_the_caller_is_not_told_of_settings(database_url: str) -> None:
    with pytest.raises(DatabaseUnusable) as refused:
        await connect(database_url, "postgres")
    assert refused.value.message == "Service temporarily unavailable. Try again."


@pytest.mark.parametrize("right", ["SUPERUSER", "BYPASSRLS", "IN ROLE postgres"])
async def test_a_role_that_row_level_security_does_not_bind_is_refused(database_url: str, right: str) -> None:
    admin = await asyncpg.connect(database_url)
    await admin.execute("CREATE ROLE unbound")
    try:
        (await connect(database_url, "unbound")).terminate()
        await admin.execute("GRANT postgres TO unbound" if "IN ROLE" in right else f"ALTER ROLE unbound {right}")
        with pytest.raises(DatabaseUnusable) as refused:
            await connect(database_url, "unbound")
    finally:
        await admin.execute("DROP ROLE unbound")
        await admin.close()
    assert (
        "SENTINEL_DATABASE_URL opens connections with the role unbound, which bypasses row-level security of the table"
        in (refused.value.explanation)
    )


async def test_a_role_that_is_not_there_is_named(database_url: str) -> None:
    with pytest.raises(DatabaseUnusable) as refused:
        await connect(database_url, "sentinel_none")
    assert refused.value.explanation.startswith(
        "SENTINEL_DATABASE_URL allows no connection with the role sentinel_none: "
    )


async def test_a_proxy_that_keeps_a_process_for_each_connection_is_taken(database_url: str) -> None:
    pooler = Pooler(url=database_url, own_process_ids=True)
    async with pooler.running() as url:
        connection = await connect(url, ROLE)
        assert await connection.fetchval("SELECT current_user") == ROLE
        connection.terminate()
    assert pooler.connections == 2  # another sent the notification


async def test_a_pooler_that_takes_the_process_away_between_transactions_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "_NOTIFY_TIMEOUT_S", 0.1)
    async with Pooler(url=database_url, own_process_ids=True, drops_notifications=True).running() as url:
        with pytest.raises(DatabaseUnusable) as refused:
            await connect(url, ROLE)
    assert "SENTINEL_DATABASE_URL points to a connection pooler in transaction mode" in refused.value.explanation


@pytest.mark.parametrize(
    ("name", "role"), [("auth", "sentinel_auth"), ("monitor", "sentinel_rollup"), ("worker", "sentinel_tail")]
)
async def test_a_service_does_not_start_when_one_of_its_roles_is_dropped(
    database_url: str, tmp_path: Path, name: str, role: str
) -> None:
    async with (
        Pooler(url=database_url, drops_roles=[role]).running() as url,
        service(name, url, tmp_path) as process,
    ):
        said, _ = await process.communicate()
    assert process.returncode == 1
    (sentence,) = said.decode().splitlines()
    assert sentence.startswith(
        f"sentinel: SENTINEL_DATABASE_URL opens connections with the role postgres instead of {role}"
    )


async def test_a_service_that_waits_for_the_database_says_why(tmp_path: Path) -> None:
    async with service("auth", f"postgresql://somebody@127.0.0.1:{free_port()}/none", tmp_path) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
    assert "waiting for the database" in line
    assert "ConnectionRefusedError" in line
