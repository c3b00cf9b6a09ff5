"""A database that is restored into another cluster: what was recorded before is never new there (docs/adr/0030)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from cli.postgres import EmbeddedPostgres
from services.platform.errors import FailedPrecondition
from services.platform.postgres.database import create_pool
from services.platform.postgres.migrate import migrate
from services.worker.store import enter_cluster
from services.worker.streams import stream
from services.worker.streams.position import Position
from tests.integration.platform.test_schema import upgrade_to
from tests.integration.worker.streaming import Connection, Scene, Worker, a_scene, a_worker, joined, number, take
from tests.support.database import TestServer
from tests.support.dumps import move

_BEYOND = 5_000


async def spend(connection: Connection, transactions: int) -> None:
    """Use up transaction ids."""
    await connection.execute(
        f"DO $$ BEGIN FOR i IN 1..{transactions} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
    )


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    admin = await asyncpg.connect(database_url)
    yield await a_scene(admin)
    await admin.close()


@pytest.fixture
def another_server(short_folder: Path) -> Iterator[TestServer]:
    """A server with a fresh cluster, whose transaction ids are at their beginning."""
    folder = short_folder / "restored"
    postgres = EmbeddedPostgres(folder / "data", folder / "s")
    postgres.prepare()
    server = TestServer(postgres)
    server.start()
    yield server
    server.stop()


async def refused(worker: Worker, scene: Scene, cursor: Position) -> None:
    async with worker.follow(scene.tenant_id, cursor) as events:
        with pytest.raises(FailedPrecondition, match="Start a new stream without a cursor, and list") as error:
            await anext(events)
    assert error.value.reason == reasons.ERROR_REASON_CURSOR_OUTDATED


async def test_readers_get_only_what_is_recorded_after_a_restore_and_each_once(
    scene: Scene, database_url: str, another_server: TestServer, short_folder: Path, tmp_path: Path
) -> None:
    sockets, way = database_url.rpartition("host=")[2], short_folder / "to-restore"
    way.symlink_to(sockets)
    url = database_url.replace(sockets, str(way))
    await spend(
        scene.admin, _BEYOND
    )  # the ids of results from here are beyond those with which the other cluster begins
    restored_url = database_url.replace(sockets, another_server.admin_url.rpartition("host=")[2])
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(a_worker(url))
        live = await stack.enter_async_context(worker.follow(scene.tenant_id))
        begun = await joined(live)
        await scene.record(scene.admin, 1, 2)
        seen = (await take(live, 2))[-1].position

        await move(database_url, another_server.admin_url, tmp_path)
        await scene.record(scene.admin, 3)  # lost
        lost = (await take(live, 1))[-1].position
        way.unlink()
        way.symlink_to(another_server.admin_url.rpartition("host=")[2])
        await scene.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await worker.has_looked()

        there = await asyncpg.connect(restored_url)
        stack.push_async_callback(there.close)
        again = Scene(there, scene.check)
        assert await there.fetchval("SELECT pg_current_xact_id()::text::bigint") < begun.transaction
        await again.record(there, 4)
        await spend(there, 2 * _BEYOND)  # past the ids of the results from before
        await again.record(there, 5)
        assert [number(event) for event in await take(live, 2)] == [4, 5]
        await again.record(there, 6)
        after = await take(live, 1)
        assert number(after[0]) == 6

        for cursor in (begun, seen, lost, seen._replace(cluster=0)):
            await refused(worker, scene, cursor)
        fresh = await stack.enter_async_context(worker.follow(scene.tenant_id))
        await joined(fresh)
        resumed = await stack.enter_async_context(worker.follow(scene.tenant_id, after[0].position))
        await joined(resumed)
        await again.record(there, 7)
        for reader in (live, fresh, resumed):
            assert [number(event) for event in await take(reader, 1)] == [7]
        assert await there.fetchval("SELECT count(*) FROM results") == 6  # what was restored is still there


async def clusters(admin: Connection) -> list[tuple[int, int]]:
    return [tuple(row) for row in await admin.fetch("SELECT number, system_identifier FROM clusters ORDER BY 1")]


async def here(admin: Connection) -> int:
    return int(await admin.fetchval("SELECT system_identifier FROM pg_control_system()"))


async def test_of_several_processes_that_come_first_one_enters_the_cluster(scene: Scene, database_url: str) -> None:
    admin, present = scene.admin, await here(scene.admin)
    assert await clusters(admin) == [(0, present)]
    await admin.execute("UPDATE clusters SET system_identifier = 7")  # as in a database that was restored here

    pool = await create_pool(database_url, "sentinel_engine", 8, prepare=enter_cluster)
    for connection in await asyncio.gather(*(pool.acquire() for _ in range(8))):
        await pool.release(connection)
    await pool.close()

    assert await clusters(admin) == [(0, 7), (1, present)]


async def test_whoever_records_does_so_under_the_number_of_the_present_cluster(scene: Scene) -> None:
    admin = scene.admin
    await scene.record(admin, 1)
    await admin.execute("UPDATE clusters SET system_identifier = 7")
    await admin.execute("SELECT enter_cluster()")
    await scene.record(admin, 2)  # by a statement that knows nothing of numbers
    await admin.execute("SELECT make_results_partition('2040-01-01')")
    await admin.execute(
        "INSERT INTO results (tenant_id, check_id, slot_time, service_id, interval_us, outcome, worker_id)"
        " SELECT tenant_id, check_id, '2040-01-01', service_id, interval_us, outcome, worker_id FROM results LIMIT 1"
    )
    numbers = await admin.fetch("SELECT recorded_xid >> 48 FROM results ORDER BY slot_time")
    assert [row[0] for row in numbers] == [0, 1, 1]


async def test_what_was_recorded_before_is_not_handed_out_after_the_database_was_replaced(
    scene: Scene, database_url: str
) -> None:
    async with a_worker(database_url) as worker, worker.follow(scene.tenant_id) as events:
        await joined(events)
        async with scene.admin.transaction():
            await scene.record(scene.admin, 1)
            await scene.admin.execute("UPDATE clusters SET system_identifier = 7")
            await scene.admin.execute("SELECT enter_cluster()")
        await scene.record(scene.admin, 2)
        await scene.record(scene.admin, 3)
        assert [number(event) for event in await take(events, 2)] == [2, 3]


async def test_a_reader_that_catches_up_as_the_database_is_replaced_gets_what_is_new(
    scene: Scene, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_PAGE", 1)
    monkeypatch.setattr(stream, "_NEAR_XIDS", 0)
    async with a_worker(database_url) as worker:
        async with worker.follow(scene.tenant_id) as events:
            cursor = await joined(events)
        for each in (1, 2, 3):
            await scene.record(scene.admin, each)
        async with worker.follow(scene.tenant_id, cursor) as events:
            await joined(events)
            assert [number(event) for event in await take(events, 1)] == [1]
            await scene.admin.execute("UPDATE clusters SET system_identifier = 7")
            await scene.admin.execute("SELECT enter_cluster()")
            await scene.record(scene.admin, 4)
            assert [number(event) for event in await take(events, 1)] == [4]
            await scene.record(scene.admin, 5)
            assert [number(event) for event in await take(events, 1)] == [5]


async def test_a_database_may_come_back_into_a_cluster_that_it_was_in_before(scene: Scene, database_url: str) -> None:
    async with a_worker(database_url) as worker:
        async with worker.follow(scene.tenant_id) as events:
            before = await joined(events)
        await scene.record(scene.admin, 1)
        await scene.admin.execute("INSERT INTO clusters (number, system_identifier) VALUES (1, 7)")
        await scene.admin.execute("SELECT enter_cluster()")
        async with worker.follow(scene.tenant_id) as events:
            now = await joined(events)
        assert (now.number, now.cluster) == (2, before.cluster)
        await refused(worker, scene, before)


@pytest.mark.parametrize(("ahead", "first"), [(-1, 0), (1_000_000, 1)])
async def test_the_migration_leaves_rows_alone_and_sees_whether_they_are_of_another_cluster(
    postgres: TestServer, ahead: int, first: int
) -> None:
    """By their transaction ids: none of this cluster is ahead of its next."""
    url = await postgres.clone(empty=True)
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        await connection.run_sync(upgrade_to, "0018")
        await connection.commit()
    await engine.dispose()
    admin = await asyncpg.connect(url)
    scene = await a_scene(admin, spec={"spec": '{"url": "http://t.test/"}'})
    await scene.record(admin, 1)
    await admin.execute("UPDATE results SET recorded_xid = pg_current_xact_id()::text::bigint + $1", ahead)
    rows = "SELECT xmin::text, ctid::text, recorded_xid FROM results"
    before = await admin.fetch(rows)

    await migrate(url)

    assert await admin.fetch(rows) == before
    assert await clusters(admin) == [(first, await here(admin))]
    async with a_worker(url) as worker, worker.follow(scene.tenant_id) as events:
        await joined(events)
        await scene.record(admin, 2)
        assert [number(event) for event in await take(events, 1)] == [2]
    await admin.close()


async def test_a_lock_on_the_results_delays_the_first_connection_and_fails_nothing(
    scene: Scene, database_url: str
) -> None:
    admin = scene.admin
    await admin.execute("UPDATE clusters SET system_identifier = 7")
    await admin.execute("ALTER FUNCTION enter_cluster SET lock_timeout = '10ms'")
    pool = await create_pool(database_url, "sentinel_engine", 1, prepare=enter_cluster)
    async with admin.transaction():
        await admin.execute("LOCK TABLE results IN ACCESS SHARE MODE")  # as pg_dump does
        with pytest.raises(TimeoutError):
            await pool.acquire()
    await pool.release(await pool.acquire())
    await pool.close()
    assert [entered for entered, _ in await clusters(admin)] == [0, 1]
