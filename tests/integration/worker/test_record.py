"""semantics.md §2, §14: each slot counts once, whatever is written again; the state moves in the same transaction."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import asyncpg
import pytest

from services.common.clock import SECOND_US, from_datetime
from services.common.database import create_pool
from services.common.grid import shard_of
from services.common.outcome import MissedReason, Outcome
from services.common.result import Result
from services.worker.record import Pending
from services.worker.schedule import Account
from services.worker.store import EngineStore
from tests.rows import START_US, a_check

UP, DOWN, ERROR, MISSED = Outcome.UP, Outcome.DOWN, Outcome.ERROR, Outcome.MISSED
INTERVAL = 10 * SECOND_US


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[EngineStore]:
    pool = await create_pool(database_url, "sentinel_engine", 4)
    yield EngineStore(pool)
    await pool.close()


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def check(admin: "asyncpg.Connection[asyncpg.Record]") -> tuple[UUID, UUID, UUID]:
    return await a_check(admin, interval_us=INTERVAL)


def pending(check: tuple[UUID, UUID, UUID], number: int, outcome: Outcome, count: int = 1) -> Pending:
    tenant_id, service_id, check_id = check
    result = Result(
        tenant_id=tenant_id,
        service_id=service_id,
        check_id=check_id,
        slot_us=START_US + number * INTERVAL,
        interval_us=INTERVAL,
        outcome=outcome,
        worker_id="w",
        start_us=None if outcome is MISSED else START_US + number * INTERVAL + 1,
        missed_reason=MissedReason.NO_WORKER if outcome is MISSED else None,
        slot_count=count,
        resolved_ip="127.0.0.1",
    )
    return Pending(result, failure_threshold=2, recovery_threshold=1)


async def recorded(admin: "asyncpg.Connection[asyncpg.Record]") -> list[tuple[int, int, int]]:
    rows = await admin.fetch("SELECT slot_time, outcome, slot_count FROM results ORDER BY slot_time")
    return [((from_datetime(row[0]) - START_US) // INTERVAL, row[1], row[2]) for row in rows]


async def state(admin: "asyncpg.Connection[asyncpg.Record]") -> tuple[int, int | None, int]:
    row = await admin.fetchrow("SELECT state, state_time, accounted_time FROM check_states")
    assert row is not None
    since = None if row[1] is None else (from_datetime(row[1]) - START_US) // INTERVAL
    return row[0], since, (from_datetime(row[2]) - START_US) // INTERVAL


async def test_a_batch_is_written_with_what_it_makes_of_the_state(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]", check: tuple[UUID, UUID, UUID]
) -> None:
    outcomes = [UP, DOWN, ERROR, DOWN]

    assert await store.record([pending(check, number, outcome) for number, outcome in enumerate(outcomes, 1)]) == 4
    assert await recorded(admin) == [(1, UP, 1), (2, DOWN, 1), (3, ERROR, 1), (4, DOWN, 1)]
    assert await state(admin) == (2, 2, 4)  # DOWN since the first failing slot


@pytest.mark.parametrize("again", [[2], [1, 2], [3], [1, 2, 3]])
async def test_a_slot_that_is_accounted_for_is_never_counted_again(
    store: EngineStore,
    admin: "asyncpg.Connection[asyncpg.Record]",
    check: tuple[UUID, UUID, UUID],
    again: Sequence[int],
) -> None:
    await store.record([pending(check, 1, UP), pending(check, 2, MISSED, count=2)])
    before = await recorded(admin), await state(admin)

    assert await store.record([pending(check, number, DOWN) for number in again]) == 0
    assert (await recorded(admin), await state(admin)) == before
    assert await store.record([pending(check, 3, DOWN), pending(check, 4, DOWN)]) == 1


async def test_results_of_a_check_that_is_gone_are_left_out(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]", check: tuple[UUID, UUID, UUID]
) -> None:
    gone = replace(pending(check, 1, UP).result, check_id=UUID(int=9))

    assert await store.record([Pending(gone, 2, 1), pending(check, 1, UP)]) == 1
    assert await recorded(admin) == [(1, UP, 1)]


async def test_days_get_their_partitions_as_results_come(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]", check: tuple[UUID, UUID, UUID]
) -> None:
    days_later = 3 * 24 * 360  # slots of 10 s
    await store.record([pending(check, 1, UP), pending(check, days_later, UP)])

    assert [entry[0] for entry in await recorded(admin)] == [1, days_later]
    assert await admin.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'results'::regclass") == 2


async def test_a_day_that_all_want_at_once_is_made_once(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await asyncio.gather(*(EngineStore(store._pool).make_partition(date(2026, 1, 2)) for _ in range(4)))

    assert await admin.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'results'::regclass") == 1


async def test_leases_are_shared_fairly_taken_over_with_a_new_epoch_and_given_up_at_once(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """semantics.md §5, §6."""
    one = await store.renew("one", 10)
    assert len(one) == 256
    first = await store.renew("two", 10)
    assert first == {}  # nothing is free until "one" gives up its part
    one = await store.renew("one", 10)
    two = await store.renew("two", 10)
    assert (len(one), len(two)) == (128, 128)
    assert not set(one) & set(two)

    await store.leave("one")
    both = await store.renew("two", 10)
    assert len(both) == 256
    assert all(both[shard] == one[shard] + 1 for shard in one)
    assert all(both[shard] == two[shard] for shard in two)

    await admin.execute("UPDATE shard_leases SET expire_time = now()")  # as if "two" were dead
    await admin.execute("UPDATE workers SET renew_time = now() - interval '1 minute'")
    three = await store.renew("three", 10)
    assert len(three) == 256
    assert all(three[shard] == both[shard] + 1 for shard in three)
    assert await store.renew("two", 10) == {}


async def test_checks_are_found_by_shard_and_by_id(store: EngineStore, check: tuple[UUID, UUID, UUID]) -> None:
    tenant_id, service_id, check_id = check
    shard = shard_of(check_id)

    ((found, account),) = await store.checks_of_shards([shard])
    assert (found.tenant_id, found.service_id, found.id, found.shard) == (tenant_id, service_id, check_id, shard)
    assert account == Account(START_US)
    assert await store.checks_of_shards([(shard + 1) % 256]) == []
    assert await store.checks_by_id([check_id]) == [(found, account)]
