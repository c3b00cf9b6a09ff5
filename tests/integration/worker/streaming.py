"""What tests of streams share: workers that stream, a tenant with a check, and ways to record results."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from services.checks.result import Result
from services.platform.clock import SECOND_US, now_us
from services.platform.ids import new_id
from services.platform.postgres.common_store import CommonStore
from services.platform.postgres.database import create_pool
from services.platform.postgres.listener import Listener
from services.platform.rpc.server import background
from services.platform.security.principal import Principal, Role
from services.platform.security.revocations import Revocations
from services.worker.store import RECORDED, TailStore, TenantStore, enter_cluster
from services.worker.streams.position import Position
from services.worker.streams.reader import RecordedResult
from services.worker.streams.stream import Event, KeepAlive, ResultStreams
from services.worker.streams.tail import ResultTail
from tests.support.database import patient_database
from tests.support.guards import NotingGuard
from tests.support.patience import PATIENCE_S
from tests.support.rows import START_US, a_check

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class CountedStore(TailStore):
    """The store, counting how often it was asked."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        super().__init__(pool)
        self.looks = 0
        self.looked = asyncio.Event()

    async def tail(
        self, tenants: Sequence[UUID], after: Position, limit: int
    ) -> tuple[Position, Sequence[tuple[Position, Result]]]:
        answer = await super().tail(tenants, after, limit)
        self.looks += 1
        self.looked.set()
        return answer


class Worker:
    """A worker that streams, and does nothing else.

    Attributes:
        streams: its streams.
        store: counts its looks.
        revocations: what it knows of credentials.
        stopping: set when it stops.
        guard: of the newest stream.
    """

    guard: NotingGuard

    def __init__(self, streams: ResultStreams, tail: ResultTail, store: CountedStore, revocations: Revocations) -> None:
        self.streams = streams
        self._tail = tail
        self.store = store
        self.revocations = revocations
        self.stopping = asyncio.Event()

    def follow(
        self, tenant_id: UUID, cursor: Position | None = None, principal: Principal | None = None
    ) -> aclosing[AsyncGenerator[Event, None]]:
        self.guard = NotingGuard(principal or a_reader(tenant_id), self.revocations, self.stopping)
        return aclosing(self.streams.follow(tenant_id, cursor, lambda _: True, self.guard))

    def is_read(self) -> bool:
        """Whether somebody reads live here."""
        return bool(self._tail._readers)

    async def has_looked(self) -> None:
        """Return when a look that began after this call has ended."""
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(2):  # one may have been under way
                self.store.looked.clear()
                await self._tail.on_connect()
                await self.store.looked.wait()


def a_reader(tenant_id: UUID) -> Principal:
    return Principal(
        tenant_id=tenant_id,
        user_id=new_id(),
        role=Role.VIEWER,
        credential_id=new_id(),
        expire_us=now_us() + 3600 * SECOND_US,
    )


@asynccontextmanager
async def a_worker(url: str) -> AsyncIterator[Worker]:
    requests = await create_pool(url, "sentinel_worker", 4, times_in_us=True, prepare=enter_cluster)
    tail_pool = await create_pool(url, "sentinel_tail", 1, times_in_us=True, prepare=enter_cluster)
    store = CountedStore(tail_pool)
    tail = ResultTail(store)
    streams = ResultStreams(TenantStore(requests), tail)
    database = patient_database(url, "sentinel_worker", size=1)
    listener = Listener(url, "sentinel_worker")
    listener.subscribe({RECORDED: tail.on_notify}, tail.on_connect)
    async with background(listener.run(), tail.run(), streams.open.run()):
        yield Worker(streams, tail, store, Revocations(CommonStore(database)))
    await requests.close()
    await tail_pool.close()
    await database.close()


class Scene:
    """A check, and a way to record its results, by their numbers.

    Attributes:
        admin: the owner's connection.
        check: ids of the tenant, the service and the check.
    """

    def __init__(self, admin: Connection, check: tuple[UUID, UUID, UUID]) -> None:
        self.admin = admin
        self.check = check
        self.tenant_id = check[0]

    async def record(self, connection: Connection, *numbers: int) -> None:
        """Record results as the engine does: in one transaction, which says so as it commits."""
        tenant_id, service_id, check_id = self.check
        async with connection.transaction():
            await connection.executemany(
                "INSERT INTO results (tenant_id, check_id, slot_time, service_id, interval_us, outcome, worker_id)"
                " VALUES ($1, $2, to_timestamp($3), $4, 10000000, 1, 'w')",
                [(tenant_id, check_id, START_US / 1e6 + 10 * number, service_id) for number in numbers],
            )
            await connection.execute(f"SELECT pg_notify('{RECORDED}', pg_current_xact_id()::text)")


async def a_scene(admin: Connection, **check: Any) -> Scene:
    await admin.execute("SELECT make_results_partition(to_timestamp($1)::date)", START_US / 1e6)
    return Scene(admin, await a_check(admin, **check))


def number(event: Event) -> int:
    assert isinstance(event, RecordedResult)
    return (event.result.slot_us - START_US) // (10 * SECOND_US)


async def take(events: AsyncIterator[Event], count: int) -> list[RecordedResult]:
    """The next results."""
    taken: list[RecordedResult] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(taken) < count:
            event = await anext(events)
            assert isinstance(event, RecordedResult)
            taken.append(event)
    return taken


async def joined(events: AsyncIterator[Event]) -> Position:
    """Return when the stream has begun, and where; from here on it misses nothing."""
    async with asyncio.timeout(PATIENCE_S):
        beat = await anext(events)
    assert isinstance(beat, KeepAlive)
    return beat.position
