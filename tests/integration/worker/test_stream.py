"""architecture.md § Streams: in recording order, without loss or duplicates despite late commits; the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from services.platform.errors import ResourceExhausted
from services.platform.postgres.connection import connect
from services.platform.rpc import stream_reader
from services.platform.rpc.stream_guard import POLL_S, EndReason
from services.platform.rpc.stream_metrics import StreamMetrics
from services.platform.rpc.stream_reader import OpenStreams
from services.platform.security.revocations import Revocation, Revoked
from services.worker.streams import reader, stream
from services.worker.streams.stream import KeepAlive, StreamEnd
from tests.integration.worker.streaming import Scene, Worker, a_reader, a_scene, a_worker, joined, number, take
from tests.support.database import TestServer
from tests.support.patience import PATIENCE_S
from tests.support.rows import START_US


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    admin = await asyncpg.connect(database_url)
    yield await a_scene(admin)
    await admin.close()


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[Worker]:
    async with a_worker(database_url) as worker:
        yield worker


async def test_a_live_reader_sees_what_is_recorded_from_now_on(scene: Scene, worker: Worker) -> None:
    await scene.record(scene.admin, 1)
    async with worker.follow(scene.tenant_id) as events:
        await joined(events)
        await scene.record(scene.admin, 2, 3)
        assert [number(event) for event in await take(events, 2)] == [2, 3]


async def test_who_joins_while_others_read_sees_nothing_older_either(scene: Scene, worker: Worker) -> None:
    async with worker.follow(scene.tenant_id) as one:
        await joined(one)
        await scene.record(scene.admin, 1)
        async with worker.follow(scene.tenant_id) as two:
            await joined(two)
            await scene.record(scene.admin, 2)
            assert [number(event) for event in await take(one, 2)] == [1, 2]
            assert [number(event) for event in await take(two, 1)] == [2]


async def test_a_reader_that_resumes_misses_nothing_and_sees_nothing_twice(scene: Scene, worker: Worker) -> None:
    async with worker.follow(scene.tenant_id) as events:
        await joined(events)
        await scene.record(scene.admin, 1, 2, 3)
        seen = await take(events, 3)
    await scene.record(scene.admin, 4, 5)
    for at, event in enumerate(seen):
        async with worker.follow(scene.tenant_id, event.position) as events:
            await joined(events)
            resumed = asyncio.create_task(take(events, 5 - at))
            await scene.record(scene.admin, 6 + at)  # while it catches up, or just behind
            expected = [2, 3, 4, 5, 6, 7, 8][at:]
            assert [number(each) for each in await resumed] == expected[: 5 - at]


async def test_a_reader_resumes_at_another_worker_and_after_a_restart(
    scene: Scene, worker: Worker, database_url: str
) -> None:
    async with worker.follow(scene.tenant_id) as events:
        begun = await joined(events)
        await scene.record(scene.admin, 1, 2)
        (first,) = await take(events, 1)
    await scene.record(scene.admin, 3)
    async with a_worker(database_url) as other, other.follow(scene.tenant_id, first.position) as events:
        await joined(events)
        assert [number(event) for event in await take(events, 2)] == [2, 3]
        await scene.record(scene.admin, 4)
        last = (await take(events, 1))[-1]
    async with a_worker(database_url) as again:
        async with again.follow(scene.tenant_id, last.position) as events:
            await joined(events)
            await scene.record(scene.admin, 5)
            assert [number(event) for event in await take(events, 1)] == [5]
        async with again.follow(scene.tenant_id, begun) as events:  # where a heartbeat said it stood
            await joined(events)
            assert [number(event) for event in await take(events, 5)] == [1, 2, 3, 4, 5]


async def test_a_transaction_that_commits_late_is_neither_lost_nor_out_of_order(
    scene: Scene, worker: Worker, database_url: str
) -> None:
    late = await asyncpg.connect(database_url)
    try:
        async with worker.follow(scene.tenant_id) as events:
            await joined(events)
            reading = asyncio.create_task(take(events, 3))
            transaction = late.transaction()
            await transaction.start()
            await scene.record(late, 1)  # has its transaction id, and is not committed
            await scene.record(scene.admin, 2)  # commits before it
            await worker.has_looked()
            assert not reading.done()
            await transaction.commit()
            await scene.record(scene.admin, 3)
            seen = await reading
        assert [number(event) for event in seen] == [1, 2, 3]
        assert [event.position for event in seen] == sorted(event.position for event in seen)
        async with worker.follow(scene.tenant_id, seen[0].position) as events:
            await joined(events)
            assert [number(event) for event in await take(events, 2)] == [2, 3]
    finally:
        await late.close()


async def test_a_slot_of_long_ago_that_is_recorded_now_is_not_lost(scene: Scene, worker: Worker) -> None:
    """As MISSED slots are whose check had no worker for hours: recording order, not the order of slots."""
    await scene.admin.execute("SELECT make_results_partition(to_timestamp($1)::date - 1)", START_US / 1e6)
    async with worker.follow(scene.tenant_id) as events:
        begun = await joined(events)
        await scene.record(scene.admin, 1_000)
        await scene.record(scene.admin, -8_000, 1)
        seen = await take(events, 3)
    assert [number(event) for event in seen] == [1_000, -8_000, 1]
    for at, position in enumerate([begun, *(event.position for event in seen[:2])]):
        async with worker.follow(scene.tenant_id, position) as events:
            await joined(events)
            assert [number(event) for event in await take(events, 3 - at)] == [1_000, -8_000, 1][at:]


async def test_catching_up_goes_by_bounded_pages(scene: Scene, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_PAGE", 3)
    monkeypatch.setattr(stream, "_SPAN_XIDS", 4)
    monkeypatch.setattr(stream, "_NEAR_XIDS", 0)
    async with worker.follow(scene.tenant_id) as events:
        begun = await joined(events)
    numbers = list(range(40))
    for first in range(0, 40, 8):
        await scene.record(scene.admin, *numbers[first : first + 8])
        for _ in range(10):  # transactions that record nothing
            await scene.admin.execute("UPDATE tenants SET name = 'Acme'")
    async with worker.follow(scene.tenant_id, begun) as events:
        await joined(events)
        assert [number(event) for event in await take(events, 40)] == numbers


async def test_a_reader_that_does_not_keep_up_is_told_so_and_can_resume(
    scene: Scene, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_QUEUED", 3)
    async with worker.follow(scene.tenant_id) as events:
        await joined(events)
        await scene.record(scene.admin, 1)
        await take(events, 1)
        await scene.record(scene.admin, 2)
        await worker.has_looked()
        await scene.record(scene.admin, 3, 4, 5, 6)
        await worker.has_looked()
        rest = [event async for event in events]
    end = rest[-1]
    assert isinstance(end, StreamEnd)
    assert end.reason is EndReason.SLOW_READER
    told = [number(event) for event in rest[:-1]]
    assert told == [2]
    async with worker.follow(scene.tenant_id, end.position) as events:
        await joined(events)
        assert [number(event) for event in await take(events, 4)] == [3, 4, 5, 6]


async def test_when_all_together_hold_too_much_the_slowest_ends_and_the_others_read_on(
    scene: Scene, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.streams._unread, "most", 8)
    async with worker.follow(scene.tenant_id) as slow, worker.follow(scene.tenant_id) as fast:
        await joined(slow)
        await joined(fast)
        for first in (1, 4, 7):
            await scene.record(scene.admin, first, first + 1, first + 2)
            assert [number(event) for event in await take(fast, 3)] == [first, first + 1, first + 2]
            await worker.has_looked()
        (end,) = [event async for event in slow]
    assert isinstance(end, StreamEnd)
    assert end.reason is EndReason.SLOW_READER
    async with worker.follow(scene.tenant_id, end.position) as events:
        await joined(events)
        assert [number(event) for event in await take(events, 9)] == list(range(1, 10))


@pytest.mark.parametrize("why", [EndReason.SHUTTING_DOWN, EndReason.TOKEN_EXPIRED, EndReason.SESSION_ENDED])
async def test_a_stream_that_must_end_says_why_at_the_next_look_and_gives_nothing_more(
    scene: Scene, worker: Worker, why: EndReason
) -> None:
    principal = a_reader(scene.tenant_id)
    async with worker.follow(scene.tenant_id, principal=principal) as events:
        await joined(events)
        await scene.record(scene.admin, 1, 2)
        await take(events, 1)
        if why is EndReason.SHUTTING_DOWN:
            worker.stopping.set()
        elif why is EndReason.TOKEN_EXPIRED:
            worker.guard.expire()
        else:
            entry = Revocation(kind=Revoked.SESSION, subject=principal.credential_id, time=datetime.now(UTC))
            worker.revocations.on_notify(entry.payload())
        (opened,) = worker.streams.open._open
        async with asyncio.timeout(PATIENCE_S):
            await opened.wakeup.wait()
            while not opened.is_over():
                opened.wakeup.clear()
                await opened.wakeup.wait()
        (end,) = [event async for event in events]
    assert isinstance(end, StreamEnd)
    assert end.reason is why
    assert worker.guard.found == [why]
    assert POLL_S <= 0.5
    async with worker.follow(scene.tenant_id, end.position, a_reader(scene.tenant_id)) as events:
        await joined(events)
        if why is not EndReason.SHUTTING_DOWN:
            assert [number(event) for event in await take(events, 1)] == [2]


async def test_a_quiet_stream_says_where_it_stands(
    scene: Scene, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await a_scene(scene.admin)
    async with worker.follow(scene.tenant_id) as events:
        begun = await joined(events)
        await scene.record(scene.admin, 1)
        (event,) = await take(events, 1)
        await other.record(scene.admin, 2)
        await worker.has_looked()
        with monkeypatch.context() as impatient:
            impatient.setattr(stream_reader, "KEEP_ALIVE_AFTER_S", 0.1)
            async with asyncio.timeout(PATIENCE_S):
                beat = await anext(events)
    assert isinstance(beat, KeepAlive)
    assert beat.position > event.position > begun  # a resume need not go through what others had recorded
    async with worker.follow(scene.tenant_id, beat.position) as events:
        await joined(events)
        await scene.record(scene.admin, 3)
        assert [number(each) for each in await take(events, 1)] == [3]


async def test_many_readers_of_many_tenants_cost_one_read_and_each_sees_its_tenants_results(
    scene: Scene, worker: Worker
) -> None:
    scenes = [scene, *[await a_scene(scene.admin) for _ in range(24)]]
    async with AsyncExitStack() as stack:
        readers = [
            (each, await stack.enter_async_context(worker.follow(each.tenant_id))) for each in scenes for _ in (1, 2)
        ]
        await asyncio.gather(*(joined(events) for _, events in readers))
        before = worker.store.looks
        async with scene.admin.transaction():
            for at, each in enumerate(scenes):
                await each.record(scene.admin, at)
        seen = await asyncio.gather(*(take(events, 1) for _, events in readers))
        assert worker.store.looks - before <= 3  # one, and a poll that may fall between
        assert [number(event) for (event,) in seen] == [at for at in range(25) for _ in (1, 2)]
        assert all(event.result.tenant_id == each.tenant_id for (each, _), (event,) in zip(readers, seen, strict=True))
        assert all(one is two for (one,), (two,) in zip(seen[::2], seen[1::2], strict=True))
    assert worker.streams._tail._readers == {}
    assert worker.streams._unread._held == 0


async def test_a_tenant_has_so_many_streams_and_leaves_room_for_others(scene: Scene, worker: Worker) -> None:
    worker.streams.open = OpenStreams(StreamMetrics("sentinel_stream", "results"), most_of_a_tenant=1)
    async with worker.follow(scene.tenant_id) as first, worker.follow(UUID(int=7)) as of_another:
        await joined(first)
        await joined(of_another)
        with pytest.raises(ResourceExhausted, match="open streams"):
            async with worker.follow(scene.tenant_id) as second:
                await anext(second)
    async with worker.follow(scene.tenant_id) as third:
        await joined(third)


async def test_nobody_reads_nobody_asks(scene: Scene, worker: Worker) -> None:
    async with worker.follow(scene.tenant_id) as events:
        await joined(events)
    await scene.record(scene.admin, 1)
    before = worker.store.looks
    async with worker.follow(scene.tenant_id) as events:
        await joined(events)
    assert worker.store.looks == before + 1


async def test_streams_wait_while_the_database_is_away_and_lose_nothing(own_postgres: TestServer) -> None:
    url = await own_postgres.clone()
    admin = await asyncpg.connect(url)
    scene = await a_scene(admin)
    async with a_worker(url) as worker, worker.follow(scene.tenant_id) as events:
        await joined(events)
        await scene.record(admin, 1)
        await take(events, 1)
        await scene.record(admin, 2)
        await admin.close()
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.to_thread(own_postgres.start)
        again = await asyncpg.connect(url)
        await scene.record(again, 3)
        assert [number(event) for event in await take(events, 2)] == [2, 3]
        await again.close()


async def test_the_tail_sees_only_tenants_that_are_named_and_its_role_may_do_nothing_else(
    scene: Scene, database_url: str
) -> None:
    other = await a_scene(scene.admin)
    for each in (scene, other):
        await each.record(scene.admin, 1)
    call = "SELECT DISTINCT tenant_id FROM tail_of_results($1, 0, 'epoch', $2, 9223372036854775807, 100)"
    nobody = UUID(int=0)
    connection = await connect(database_url, "sentinel_tail")
    try:
        for tenants in ([], [nobody], None):
            assert await connection.fetch(call, tenants, nobody) == []
        for tenants in ([scene.tenant_id], [scene.tenant_id, nobody]):
            assert [row[0] for row in await connection.fetch(call, tenants, nobody)] == [scene.tenant_id]
        tables = await scene.admin.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')"
        )
        for row in tables:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SELECT FROM {row[0]}")
    finally:
        await connection.close()
    for role in ("sentinel_auth", "sentinel_monitor", "sentinel_worker", "sentinel_engine"):
        connection = await connect(database_url, role)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(call, [scene.tenant_id], nobody)
        finally:
            await connection.close()
