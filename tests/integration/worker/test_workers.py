"""Workers report when they renew; requests see who is there, how they are, and nobody who is gone."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from services.checks.grid import shard_of
from services.platform.paging import Pager, PageRequest
from services.platform.postgres.database import create_pool
from services.platform.security.signed_tokens import TokenSigner
from services.worker.lease import DEFAULT_TIMES
from services.worker.report import RecordedWorker
from services.worker.store import EngineStore, TenantStore, WorkersSql
from services.worker.workers import Workers
from tests.support.rows import a_check, a_report, a_tenant

TTL_S = 10.0
ALL = PageRequest(50, None)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[EngineStore]:
    pool = await create_pool(database_url, "sentinel_engine", 2, times_in_us=True)
    yield EngineStore(pool)
    await pool.close()


@pytest.fixture
async def everyone(database_url: str) -> AsyncIterator[WorkersSql]:
    pool = await create_pool(database_url, "sentinel_worker", 1, times_in_us=True)
    yield WorkersSql(pool)
    await pool.close()


@pytest.fixture
async def requests(database_url: str) -> AsyncIterator[TenantStore]:
    pool = await create_pool(database_url, "sentinel_worker", 2, times_in_us=True)
    yield TenantStore(pool)
    await pool.close()


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def listed(store: WorkersSql) -> dict[str, RecordedWorker]:
    return {worker.id: worker for worker in await store.list_all_workers(7)}


async def test_a_worker_is_seen_as_it_last_reported(engine: EngineStore, everyone: WorkersSql) -> None:
    report = a_report(up_s=100.0)
    await engine.renew("one", TTL_S, report, claim_expired=True)
    first = (await listed(everyone))["one"]
    later = a_report(
        instance_id=report.instance_id, checks_held=5, runs_in_flight=2, runs_waiting=1, lag_p50_us=1_000,
        lag_p99_us=50_000, runs_per_second=2.5, up_s=103.0,
    )  # fmt: skip
    await engine.renew("one", TTL_S, later, claim_expired=True)
    second = (await listed(everyone))["one"]

    assert (first.host, first.version, first.live, first.shards_held) == ("here", "0", True, 256)
    assert (first.lag_p50_us, first.lag_p99_us) == (None, None)
    assert (second.checks_held, second.runs_in_flight, second.runs_waiting) == (5, 2, 1)
    assert (second.lag_p50_us, second.lag_p99_us, second.runs_per_second) == (1_000, 50_000, 2.5)
    assert (first.renew_us - first.start_us) == 100_000_000
    assert second.start_us == first.start_us
    assert second.renew_us > first.renew_us


async def test_shards_are_counted_by_the_leases_that_hold(engine: EngineStore, everyone: WorkersSql) -> None:
    for _ in range(3):
        await engine.renew("one", TTL_S, a_report(), claim_expired=True)
        await engine.renew("two", TTL_S, a_report(), claim_expired=True)
    assert {name: worker.shards_held for name, worker in (await listed(everyone)).items()} == {"one": 128, "two": 128}


async def test_a_silent_worker_is_not_live_then_holds_nothing_then_is_gone(
    engine: EngineStore, everyone: WorkersSql, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    silent = a_report()
    await engine.renew("silent", TTL_S, silent, claim_expired=True)
    await admin.execute("UPDATE workers SET renew_time = renew_time - interval '8 seconds'")
    await engine.renew("other", TTL_S, a_report(), claim_expired=True)
    seen = await listed(everyone)
    assert (seen["silent"].live, seen["other"].live) == (False, True)

    await admin.execute("UPDATE workers SET renew_time = renew_time - interval '3 seconds' WHERE id = 'silent'")
    await admin.execute("UPDATE shard_leases SET expire_time = now() WHERE worker_id = 'silent'")
    assert (await listed(everyone))["silent"].shards_held == 0
    await engine.renew("other", TTL_S, a_report(), claim_expired=True)
    assert set(await listed(everyone)) == {"other"}
    await engine.leave("other")
    assert await listed(everyone) == {}


async def test_a_tenant_sees_the_workers_that_run_its_checks_and_how_many_of_them_each(
    engine: EngineStore, requests: TenantStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    for _ in range(3):
        await engine.renew("one", TTL_S, a_report(checks_held=700), claim_expired=True)
        await engine.renew("two", TTL_S, a_report(checks_held=800), claim_expired=True)
    rows = await admin.fetch("SELECT shard, worker_id FROM shard_leases")
    holders = {row["shard"]: row["worker_id"] for row in rows}
    tenant_id, other_id = await a_tenant(admin), await a_tenant(admin)
    of_one: list[UUID] = []
    while len(of_one) < 2:
        _, _, check_id = await a_check(admin, tenant_id=tenant_id)
        if holders[shard_of(check_id)] == "one":
            of_one.append(check_id)
        else:
            await admin.execute("UPDATE check_periods SET end_time = now() WHERE check_id = $1", check_id)  # paused
    await a_check(admin, tenant_id=other_id)

    seen, total = await requests.list_workers(tenant_id, ALL, 7)
    assert ([(each.id, each.checks_held, each.live) for each in seen], total) == ([("one", 2, True)], 1)
    assert await requests.list_workers(await a_tenant(admin), ALL, 7) == ([], 0)
    await admin.execute("UPDATE shard_leases SET expire_time = now() WHERE worker_id = 'one'")
    assert await requests.list_workers(tenant_id, ALL, 7) == ([], 0)


async def test_pages_go_from_the_oldest_to_the_newest(
    engine: EngineStore, requests: TenantStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    names = [f"worker-{number}" for number in range(5)]
    for name in names:
        await engine.renew(name, TTL_S, a_report(), claim_expired=True)
    workers, tenant_id = (
        Workers(requests, Pager(TokenSigner(b"key", "page")), DEFAULT_TIMES.overdue_s),
        await a_tenant(admin),
    )
    for number, name in enumerate(names):
        _, _, check_id = await a_check(admin, tenant_id=tenant_id)
        await admin.execute("UPDATE checks SET shard = $2 WHERE id = $1", check_id, number)
        await admin.execute("UPDATE shard_leases SET worker_id = $2 WHERE shard = $1", number, name)

    seen, token = [], ""
    for size in (2, 2, 1):
        page = await workers.list(tenant_id, 2, token)
        assert (len(page.items), page.total) == (size, 5)
        seen += [worker.id for worker in page.items]
        token = page.next_token
    assert seen == names
    assert token == ""
