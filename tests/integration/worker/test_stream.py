"""architecture.md § Streams: in recording order, nothing lost, nothing twice, whoever commits late; an honest end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from uuid import UUID

import asyncpg
import pytest

from services.common.clock import SECOND_US, now_us
from services.common.database import create_pool
from services.common.ids import new_id
from services.common.listener import Listener
from services.common.principal import Principal, Role
from services.common.result import Result
from services.common.revocations import Revocations
from services.common.server import background
from services.common.store import CommonStore
from services.common.stream_guard import EndReason, StreamGuard
from services.worker import stream
from services.worker.position import Position
from services.worker.store import RECORDED, TenantStore
from services.worker.stream import Beat, End, Event, Feeds, Recorded
from tests.rows import START_US, a_check


class Scene:
    """A tenant with a check, its feeds, and a way to record results and to end streams."""

    def __init__(self, url: str, admin: "asyncpg.Connection[asyncpg.Record]", feeds: Feeds) -> None:
        self.url = url
        self.admin = admin
        self.feeds = feeds
        self.stopping = asyncio.Event()
        self.check: tuple[UUID, UUID, UUID] = (UUID(int=0),) * 3

    def guard(self, *, expire_us: int | None = None) -> StreamGuard:
        principal = Principal(self.check[0], new_id(), Role.VIEWER, new_id(), expire_us or now_us() + 3600 * SECOND_US)
        revocations = Revocations(CommonStore.__new__(CommonStore))  # never asked
        return StreamGuard(principal, revocations, self.stopping)

    def follow(
        self, cursor: Position | None = None, *, expire_us: int | None = None
    ) -> aclosing[AsyncGenerator[Event, None]]:
        guard = self.guard(expire_us=expire_us)
        return aclosing(self.feeds.follow(self.check[0], cursor, lambda _: True, guard))

    async def record(self, connection: "asyncpg.Connection[asyncpg.Record]", *numbers: int) -> None:
        tenant_id, service_id, check_id = self.check
        await connection.executemany(
            "INSERT INTO results (tenant_id, check_id, slot_time, service_id, interval_us, outcome, worker_id)"
            " VALUES ($1, $2, to_timestamp($3), $4, 10000000, 1, 'w')",
            [(tenant_id, check_id, START_US / 1e6 + 10 * number, service_id) for number in numbers],
        )
        await connection.execute(f"SELECT pg_notify('{RECORDED}', $1)", str(tenant_id))


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    admin = await asyncpg.connect(database_url)
    await admin.execute("SELECT make_results_partition(to_timestamp($1)::date)", START_US / 1e6)
    pool = await create_pool(database_url, "sentinel_worker", 4, times_in_us=True)
    feeds = Feeds(TenantStore(pool))
    listener = Listener(database_url, "sentinel_worker", {RECORDED: feeds.on_notify}, feeds.on_connect)
    scene = Scene(database_url, admin, feeds)
    scene.check = await a_check(admin)
    async with background(listener.run()):
        yield scene
    await pool.close()
    await admin.close()


def number(result: Result) -> int:
    return (result.slot_us - START_US) // (10 * SECOND_US)


async def take(events: AsyncIterator[Event], count: int) -> list[Recorded]:
    taken = []
    async with asyncio.timeout(10):
        async for event in events:
            assert isinstance(event, Recorded)
            taken.append(event)
            if len(taken) == count:
                break
    return taken


async def joined(events: AsyncIterator[Event]) -> None:
    """Return when the stream has begun: from here on it misses nothing."""
    async with asyncio.timeout(10):
        assert isinstance(await anext(events), Beat)


async def test_a_live_reader_sees_what_is_recorded_from_now_on(scene: Scene) -> None:
    await scene.record(scene.admin, 1)
    async with scene.follow() as events:
        await joined(events)
        await scene.record(scene.admin, 2, 3)
        assert [number(event.result) for event in await take(events, 2)] == [2, 3]


async def test_a_reader_that_resumes_misses_nothing_and_sees_nothing_twice(scene: Scene) -> None:
    async with scene.follow() as events:
        await joined(events)
        await scene.record(scene.admin, 1, 2, 3)
        seen = await take(events, 3)
    await scene.record(scene.admin, 4, 5)
    for at, event in enumerate(seen):
        async with scene.follow(event.position) as events:
            await joined(events)
            resumed = asyncio.create_task(take(events, 5 - at))
            await scene.record(scene.admin, 6 + at)  # while it catches up, or just behind
            expected = [2, 3, 4, 5, 6, 7, 8][at:]
            assert [number(each.result) for each in await resumed] == expected[: 5 - at]


async def test_a_transaction_that_commits_late_is_neither_lost_nor_out_of_order(scene: Scene) -> None:
    late = await asyncpg.connect(scene.url)
    try:
        async with scene.follow() as events:
            await joined(events)
            reading = asyncio.create_task(take(events, 3))
            transaction = late.transaction()
            await transaction.start()
            await scene.record(late, 1)  # has its transaction id, and is not committed
            await scene.record(scene.admin, 2)  # commits before it
            await asyncio.sleep(0.3)
            assert not reading.done()
            await transaction.commit()
            await scene.record(scene.admin, 3)
            seen = await reading
        assert [number(event.result) for event in seen] == [1, 2, 3]
        assert [event.position for event in seen] == sorted(event.position for event in seen)
        async with scene.follow(seen[0].position) as events:
            await joined(events)
            assert [number(event.result) for event in await take(events, 2)] == [2, 3]
    finally:
        await late.close()


async def test_a_reader_that_does_not_keep_up_is_told_so_and_can_resume(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_QUEUED", 3)
    async with scene.follow() as events:
        await joined(events)
        await scene.record(scene.admin, 1)
        await take(events, 1)
        await scene.record(scene.admin, 2)
        await scene.record(scene.admin, 3, 4, 5, 6)
        await asyncio.sleep(0.5)  # meanwhile it reads nothing
        rest = [event async for event in events]
    end = rest[-1]
    assert isinstance(end, End)
    assert end.reason is EndReason.SLOW_READER
    told = [number(event.result) for event in rest if isinstance(event, Recorded)]
    async with scene.follow(end.position) as events:
        await joined(events)
        resumed = [number(event.result) for event in await take(events, 5 - len(told))]
    assert told + resumed == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("why", [EndReason.SHUTTING_DOWN, EndReason.TOKEN_EXPIRED])
async def test_a_stream_that_must_end_says_why(scene: Scene, why: EndReason) -> None:
    expire_us = 1 if why is EndReason.TOKEN_EXPIRED else None
    if why is EndReason.SHUTTING_DOWN:
        scene.stopping.set()
    async with scene.follow(expire_us=expire_us) as events:
        await joined(events)
        (end,) = [event async for event in events]
    assert isinstance(end, End)
    assert end.reason is why


async def test_readers_of_a_tenant_share_one_feed_and_other_tenants_see_nothing(scene: Scene) -> None:
    mine, other = scene.check, await a_check(scene.admin)
    async with scene.follow() as one, scene.follow() as two:
        for events in (one, two):
            await joined(events)
        reading = [asyncio.create_task(take(events, 1)) for events in (one, two)]
        scene.check = other
        async with scene.follow() as foreign:
            await joined(foreign)
            silent = asyncio.create_task(take(foreign, 1))
            assert len(scene.feeds._feeds) == 2
            scene.check = mine
            await scene.record(scene.admin, 1)
            assert [[number(event.result) for event in seen] for seen in await asyncio.gather(*reading)] == [[1], [1]]
            assert not silent.done()
            silent.cancel()
            await asyncio.gather(silent, return_exceptions=True)
    assert scene.feeds._feeds == {}
