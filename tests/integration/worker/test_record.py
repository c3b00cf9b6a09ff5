"""semantics.md §2, §14: each slot counts once, whatever is written again; the state moves in the same transaction."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from services.common.clock import SECOND_US, from_datetime, to_datetime
from services.common.database import create_pool
from services.common.grid import shard_of
from services.common.outcome import MissedReason, Outcome
from services.common.result import Result
from services.worker.record import Pending
from services.worker.schedule import Account, Period, ScheduledCheck
from services.worker.store import EngineStore
from tests.rows import START_US, a_check, a_report, insert
from tests.worker import a_scheduled_check

UP, DOWN, ERROR, MISSED = Outcome.UP, Outcome.DOWN, Outcome.ERROR, Outcome.MISSED
INTERVAL = 10 * SECOND_US


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[EngineStore]:
    pool = await create_pool(database_url, "sentinel_engine", 4, times_in_us=True)
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


def pending(check: tuple[UUID, UUID, UUID], number: int, outcome: Outcome, count: int = 1, epoch: int = 0) -> Pending:
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
    scheduled = a_scheduled_check(
        check_id, INTERVAL, tenant_id=tenant_id, service_id=service_id, shard=shard_of(check_id)
    )
    return Pending(result, scheduled, epoch)


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
    gone = pending((check[0], check[1], UUID(int=9)), 1, UP)

    assert await store.record([gone, pending(check, 1, UP)]) == 1
    assert await recorded(admin) == [(1, UP, 1)]


async def test_days_get_their_partitions_as_results_come(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]", check: tuple[UUID, UUID, UUID]
) -> None:
    days_later = 3 * 24 * 360  # slots of 10 s
    await store.record([pending(check, 1, UP), pending(check, days_later, UP)])

    assert [entry[0] for entry in await recorded(admin)] == [1, days_later]
    assert await admin.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'results'::regclass") == 2


async def test_who_has_lost_the_shard_moves_nothing(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]", check: tuple[UUID, UUID, UUID]
) -> None:
    """semantics.md §6: a stale epoch cannot move a state."""
    mine = (await store.renew("one", 10, a_report(), claim=True)).epochs[shard_of(check[2])]
    assert await store.record([pending(check, 1, UP, epoch=mine)]) == 1
    await store.leave("one")
    theirs = (await store.renew("two", 10, a_report(), claim=True)).epochs[shard_of(check[2])]
    before = await recorded(admin), await state(admin)

    assert await store.record([pending(check, number, DOWN, epoch=mine) for number in (2, 3)]) == 0
    assert (await recorded(admin), await state(admin)) == before
    assert await store.record([pending(check, 2, UP, epoch=theirs)]) == 1


async def test_only_slots_of_a_time_in_which_the_check_was_on_with_that_interval_count(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]", check: tuple[UUID, UUID, UUID]
) -> None:
    """Paused behind slot 3, resumed before slot 6, another interval since slot 8."""

    def at(number: float) -> datetime:
        return to_datetime(START_US + int(number * INTERVAL))

    await admin.execute("UPDATE check_periods SET end_time = $1", at(3.5))
    for start, end, interval in ((5.5, 7.5, INTERVAL), (7.5, None, 2 * INTERVAL)):
        await insert(
            admin, "check_periods", tenant_id=check[0], check_id=check[2], start_time=at(start),
            end_time=None if end is None else at(end), interval_us=interval,
        )  # fmt: skip

    assert await store.record([pending(check, number, UP) for number in range(1, 11)]) == 5
    assert [entry[0] for entry in await recorded(admin)] == [1, 2, 3, 6, 7]
    wider = replace(pending(check, 9, UP).result, interval_us=2 * INTERVAL)
    assert await store.record([replace(pending(check, 9, UP), result=wider)]) == 1


async def test_a_day_that_all_want_at_once_is_made_once(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await asyncio.gather(*(EngineStore(store._pool)._make_partition(20_455) for _ in range(4)))

    assert await admin.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'results'::regclass") == 1


async def test_leases_are_shared_fairly_taken_over_with_a_new_epoch_and_given_up_at_once(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """semantics.md §5, §6."""

    async def renew(worker: str) -> dict[int, int]:
        return (await store.renew(worker, 10, a_report(), claim=True)).epochs

    one = await renew("one")
    assert len(one) == 256
    first = await renew("two")
    assert first == {}  # nothing is free until "one" gives up its part
    one = await renew("one")
    two = await renew("two")
    assert (len(one), len(two)) == (128, 128)
    assert not set(one) & set(two)

    await store.leave("one")
    both = await renew("two")
    assert len(both) == 256
    assert all(both[shard] == one[shard] + 1 for shard in one)
    assert all(both[shard] == two[shard] for shard in two)

    await admin.execute("UPDATE shard_leases SET expire_time = now()")  # as if "two" were dead
    await admin.execute("UPDATE workers SET renew_time = now() - interval '1 minute'")
    three = await renew("three")
    assert len(three) == 256
    assert all(three[shard] == both[shard] + 1 for shard in three)
    assert await renew("two") == {}


async def test_who_was_cut_off_gets_back_what_nobody_has_taken_and_takes_nothing_else(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """After an outage of the database all leases have expired; each worker goes on with its own."""
    await store.renew("one", 10, a_report(), claim=True)
    await store.renew("two", 10, a_report(), claim=True)
    one = await store.renew("one", 10, a_report(), claim=True)
    two = await store.renew("two", 10, a_report(), claim=True)
    await admin.execute("UPDATE shard_leases SET expire_time = now() - interval '1 minute'")
    await admin.execute("UPDATE workers SET renew_time = now() - interval '1 minute'")

    assert (await store.renew("one", 10, a_report(), claim=False)).epochs == one.epochs
    assert (await store.renew("two", 10, a_report(), claim=False)).epochs == two.epochs


async def test_checks_are_found_by_shard_id_tenant_and_change(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]", check: tuple[UUID, UUID, UUID]
) -> None:
    tenant_id, service_id, check_id = check
    shard = shard_of(check_id)
    other = (shard + 1) % 256

    ((found, account),) = await of_shards(store, shard)
    assert (found.tenant_id, found.service_id, found.id, found.shard) == (tenant_id, service_id, check_id, shard)
    assert (found.target, found.since_us) == ("t.test", START_US)
    assert account == Account(START_US)
    assert await of_shards(store, other) == []
    assert await store.checks_by_key([(tenant_id, check_id)]) == [(found, account)]
    assert await store.checks_of_tenants([tenant_id], [shard]) == [(tenant_id, check_id)]
    assert await store.checks_of_tenants([tenant_id], [other]) == []
    assert await store.changed_since(START_US, [shard]) == [((tenant_id, check_id), START_US)]
    assert await store.changed_since(START_US + 1, [shard]) == []
    assert await store.counts([shard, other]) == {shard: 1}

    await insert(admin, "tenant_suspensions", tenant_id=tenant_id, start_time=datetime.now(UTC), reason="not paid")
    assert (await of_shards(store, shard), await store.checks_by_key([(tenant_id, check_id)])) == ([], [])
    assert await store.counts([shard]) == {}


async def test_a_check_comes_with_what_lies_behind_its_account(
    store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]", check: tuple[UUID, UUID, UUID]
) -> None:
    """Former periods, and spans in which the tenant was suspended."""
    tenant_id, _, check_id = check

    def at(seconds: int) -> datetime:
        return to_datetime(START_US + seconds * SECOND_US)

    await admin.execute("UPDATE check_periods SET end_time = $1", at(60))
    await insert(
        admin, "check_periods", tenant_id=tenant_id, check_id=check_id, start_time=at(90), interval_us=INTERVAL
    )
    await insert(
        admin, "tenant_suspensions", tenant_id=tenant_id, start_time=at(20), end_time=at(40), reason="not paid"
    )

    ((found, account),) = await store.checks_by_key([(tenant_id, check_id)])
    assert found.since_us == START_US + 90 * SECOND_US
    assert account == Account(
        START_US,
        (Period(START_US, START_US + 60 * SECOND_US, INTERVAL),),
        ((START_US + 20 * SECOND_US, START_US + 40 * SECOND_US),),
    )
    await admin.execute("UPDATE check_states SET accounted_time = $1", at(95))
    assert (await store.checks_by_key([(tenant_id, check_id)]))[0][1] == Account(START_US + 95 * SECOND_US)


async def of_shards(store: EngineStore, *shards: int) -> list[tuple[ScheduledCheck, Account]]:
    return [each async for rows in store.checks_of_shards(shards) for each in rows]
