"""What tests of watching share: a monitor process that shows services and does nothing else, and a client of it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing, asynccontextmanager
from uuid import UUID

import asyncpg

from services.checks import service_changes
from services.monitor.model import Service
from services.monitor.store.snapshots import SnapshotSql
from services.monitor.watching.service_snapshot import RecordedService, TenantSnapshot
from services.monitor.watching.tenant_snapshot_cache import SnapshotCaches
from services.monitor.watching.watch import Event, WatchStreams
from services.monitor.watching.watcher import ServiceRemoved, ServicesKept, ServiceUpdated, SyncComplete
from services.platform.clock import SECOND_US, now_us
from services.platform.ids import new_id
from services.platform.postgres.common_store import CommonStore
from services.platform.postgres.database import create_pool
from services.platform.postgres.listener import Listener
from services.platform.rpc.server import background
from services.platform.rpc.stream_metrics import StreamMetrics
from services.platform.security.principal import Principal, Role
from services.platform.security.revocations import Revocations
from tests.support.database import patient_database
from tests.support.guards import NotingGuard
from tests.support.patience import PATIENCE_S


class CountedStore(SnapshotSql):
    """The store, counting how often it was asked."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        super().__init__(pool)
        self.reads = 0

    async def recorded_services(self, tenant_id: UUID, only: Collection[UUID] | None) -> Collection[RecordedService]:
        answer = await super().recorded_services(tenant_id, only)
        self.reads += 1
        return answer


class Process:
    """A monitor process.

    Attributes:
        ahead_us: how far its clock is ahead.
        watches: its streams.
        store: counts its reads.
        pool: its connection to the database.
        revocations: what it knows of credentials.
        stopping: set when it stops.
        guard: of the newest stream.
        heard: how many notifications it has had.
    """

    guard: NotingGuard

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", revocations: Revocations) -> None:
        self.ahead_us = 0
        self.pool = pool
        self.store = CountedStore(pool)
        self.boards = SnapshotCaches(self.store, lambda: now_us() + self.ahead_us)
        self.watches = WatchStreams(self.boards, StreamMetrics("sentinel_watch", "services"))
        self.revocations = revocations
        self.stopping = asyncio.Event()
        self.heard = 0
        self._news = asyncio.Event()

    def on_notify(self, payload: str) -> None:
        self.boards.on_notify(payload)
        self.heard += 1
        self._news.set()

    async def has_heard(self, count: int) -> None:
        """Return when it has had so many notifications."""
        async with asyncio.timeout(PATIENCE_S):
            while self.heard < count:
                self._news.clear()
                await self._news.wait()

    def follow(
        self,
        tenant_id: UUID,
        cursor: bytes | None = None,
        principal: Principal | None = None,
        wanted: Callable[[Service], bool] = lambda _: True,
    ) -> aclosing[AsyncGenerator[Event, None]]:
        self.guard = NotingGuard(principal or a_viewer(tenant_id), self.revocations, self.stopping)
        return aclosing(self.watches.follow(tenant_id, cursor, wanted, self.guard))

    @asynccontextmanager
    async def client(
        self, tenant_id: UUID, before: "Client | None" = None, wanted: Callable[[Service], bool] = lambda _: True
    ) -> AsyncIterator["Client"]:
        """A client with a complete snapshot; it resumes from the cursor of another one."""
        client = Client(before)
        async with self.follow(tenant_id, client.cursor, wanted=wanted) as client.events:
            await client.until(lambda: client.complete)
            yield client


class Client:
    """A client as the contract requires.

    Attributes:
        sees: what it believes.
        cursor: the latest that it was given.
        complete: whether it has received the complete snapshot.
        told: the number of services that it received, including removed ones.
    """

    events: AsyncGenerator[Event, None]

    def __init__(self, before: "Client | None") -> None:
        self.sees: TenantSnapshot = dict(before.sees) if before else {}
        self.cursor: bytes | None = before.cursor if before else None
        self.complete = False
        self._kept: set[UUID] = set()
        self.told = 0

    async def until(self, condition: Callable[[], bool]) -> None:
        """Read until a condition holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.take(await anext(self.events))

    def take(self, event: Event) -> None:
        self.cursor = event.cursor or self.cursor
        if isinstance(event, ServiceUpdated):
            self.sees[event.snapshot.service.id] = event.snapshot
            self.told += 1
        elif isinstance(event, ServiceRemoved):
            self.sees.pop(event.service_id, None)
            self.told += 1
        elif isinstance(event, ServicesKept):
            self._kept.update(event.service_ids)
        elif isinstance(event, SyncComplete):
            self.complete = True
            if event.keep is not None:
                self.sees = {each: self.sees[each] for each in (*self._kept, *event.keep)}


def a_viewer(tenant_id: UUID) -> Principal:
    return Principal(
        tenant_id=tenant_id,
        user_id=new_id(),
        role=Role.VIEWER,
        credential_id=new_id(),
        expire_us=now_us() + 3600 * SECOND_US,
    )


@asynccontextmanager
async def a_process(url: str) -> AsyncIterator[Process]:
    pool = await create_pool(url, "sentinel_monitor", 1, times_in_us=True)
    database = patient_database(url, "sentinel_monitor", size=1)
    process = Process(pool, Revocations(CommonStore(database)))
    caches = process.boards
    heard = asyncio.Event()

    async def on_connect() -> None:
        heard.set()
        await caches.on_connect()

    listener = Listener(url, "sentinel_monitor")
    listener.subscribe({service_changes.CHANNEL: process.on_notify}, on_connect)
    async with background(listener.run(), caches.run(), process.watches.open.run()):
        await heard.wait()
        yield process
    await pool.close()
    await database.close()
