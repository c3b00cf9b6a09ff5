"""PostgreSQL and the product's SQL, as the conformance suite uses an installation."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from services.auth.store import AuthStore
from services.checks import check_changes
from services.checks.incident import IncidentEventKind, Resolution
from services.checks.result import from_row
from services.monitor.incidents.incident import IncidentAction
from services.monitor.model import Check, TrackedCheck
from services.monitor.quotas import Quotas
from services.monitor.store import MonitorStore
from services.monitor.store.base import tracked, tracked_check
from services.platform.clock import SECOND_US, from_datetime, to_datetime
from services.platform.ids import new_id
from services.platform.postgres.database import Database, create_pool
from services.platform.postgres.tables import metadata
from services.platform.security.audit import Actor, ActorKind
from services.platform.security.origin import Origin
from services.worker.lease import SHARDS_FREE
from services.worker.store import EngineStore
from tests.integration.worker.store.installation import Kept, KeptCheck, KeptIncident
from tests.support.database import patient_database
from tests.support.rows import a_tenant, insert
from tests.support.simulation.database import BASE_US
from tests.support.simulation.leases import Lease

# In sight before the built-in ones, these show what the test has set.
_CLOCK = """
    CREATE SCHEMA IF NOT EXISTS clock;
    GRANT USAGE ON SCHEMA clock TO PUBLIC;
    CREATE TABLE IF NOT EXISTS clock.hand (at timestamptz NOT NULL);
    GRANT SELECT ON clock.hand TO PUBLIC;
    CREATE OR REPLACE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM clock.hand';
    CREATE OR REPLACE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT clock.now()';
"""
# Deleting few rows takes a tenth of the time that truncating many tables does.
_EMPTY = ";".join(
    [
        "SET LOCAL session_replication_role = replica",  # what refers to a row goes with it anyway
        "UPDATE shard_leases SET worker_id = NULL, epoch = 0, expire_time = '-infinity' WHERE epoch > 0",
        *(f"DELETE FROM {table.name}" for table in metadata.tables.values() if "tenant_id" in table.c),
        *(f"DELETE FROM {table}" for table in ("tenants", "workers", "clock.hand")),
    ]
)
# By the clock that begins at 0.
_LEASES = """
    SELECT worker_id, epoch, extract(epoch FROM expire_time - $1)::float8 AS expire_s FROM shard_leases ORDER BY shard
"""
_QUOTAS = Quotas(services=1_000, checks=1_000)
_CHANNELS = (check_changes.CHANNEL, check_changes.TENANT_CHANNEL, SHARDS_FREE)
_SO_FAR = "so_far"
_T = TypeVar("_T")


class InSql:
    """An installation whose database is PostgreSQL, with a clock that the test sets.

    Args:
        admin: a connection as the owner of the tables.
        engine: a pool under the role sentinel_engine, times in microseconds.
        monitor: under the role sentinel_monitor.
        auth: auth's store.
    """

    def __init__(
        self,
        admin: "asyncpg.Connection[asyncpg.Record]",
        engine: "asyncpg.Pool[asyncpg.Record]",
        monitor: Database,
        auth: AuthStore,
    ) -> None:
        self.store = EngineStore(engine)
        self.now_us = BASE_US
        self._admin = admin
        self._database = monitor
        self._monitor = MonitorStore(monitor)
        self._auth = auth
        self._heard: list[tuple[str, str]] = []
        self._so_far = asyncio.Event()

    async def begin(self) -> None:
        """Put the clock there, empty the tables, and listen."""
        await self._admin.execute(_CLOCK)
        name = await self._admin.fetchval("SELECT current_database()")
        await self._admin.execute(f"ALTER DATABASE {name} SET search_path = clock, pg_catalog, public")
        await self.clear()
        for channel in _CHANNELS:
            await self._admin.add_listener(channel, self._hear)
        await self._admin.add_listener(_SO_FAR, lambda *_: self._so_far.set())

    async def clear(self) -> None:
        """Empty the tables, and set the clock to its beginning."""
        await self._admin.execute(_EMPTY)
        self.now_us = BASE_US
        await self._admin.execute("INSERT INTO clock.hand (at) VALUES ($1)", to_datetime(self.now_us))

    async def pass_time(self, seconds: float) -> None:
        self.now_us += round(seconds * SECOND_US)
        await self._admin.execute("UPDATE clock.hand SET at = $1", to_datetime(self.now_us))

    async def add_tenant(self) -> tuple[UUID, UUID]:
        tenant_id = await a_tenant(self._admin)
        return tenant_id, await self.add_service(tenant_id)

    async def add_service(self, tenant_id: UUID) -> UUID:
        service_id = new_id()
        now = to_datetime(self.now_us)
        await insert(
            self._admin, "services", tenant_id=tenant_id, id=service_id, name=f"s-{service_id}", url="", description="",
            labels="{}", create_time=now, update_time=now,
        )  # fmt: skip
        return service_id

    async def create(self, check: Check) -> None:
        await self._monitor.create_check(_operator(check.tenant_id), check, None, _QUOTAS, None)

    async def change(self, check: Check, decide: Callable[[Check], Check]) -> None:
        await self._monitor.change_check(_operator(check.tenant_id), check.service_id, check.id, "update", decide)

    async def delete(self, check: Check) -> None:
        await self._monitor.delete_check(_operator(check.tenant_id), check.service_id, check.id, self.now_us)

    async def suspend(self, tenant_id: UUID) -> None:
        await self._auth.suspend(_operator(tenant_id), "not paid", self.now_us)

    async def resume(self, tenant_id: UUID) -> None:
        await self._auth.resume(_operator(tenant_id), self.now_us)

    async def maintain(self, tenant_id: UUID, service_id: UUID | None, start_us: int, end_us: int) -> None:
        await insert(
            self._admin, "maintenance_spans", tenant_id=tenant_id, window_id=new_id(), service_id=service_id,
            start_time=to_datetime(start_us), end_time=to_datetime(end_us),
        )  # fmt: skip

    async def resolve(self, check: Check) -> None:
        which = "SELECT id FROM incidents WHERE check_id = $1 AND end_time IS NULL"
        incident_id = await self._admin.fetchval(which, check.id)
        step = IncidentAction(IncidentEventKind.RESOLVED, "", self.now_us)
        await self._monitor.apply_action(_operator(check.tenant_id), incident_id, step)

    @asynccontextmanager
    async def cut_off(self) -> AsyncIterator[None]:
        async with self._admin.transaction():
            await self._admin.execute("LOCK TABLE checks, check_states, workers IN ACCESS EXCLUSIVE MODE")
            ending = asyncio.create_task(self._end_what_is_held_up())
            try:
                yield
                await ending
            finally:
                ending.cancel()

    async def _end_what_is_held_up(self) -> None:
        held_up = "SELECT pid FROM pg_locks WHERE NOT granted LIMIT 1"
        while (pid := await self._admin.fetchval(held_up)) is None:  # noqa: ASYNC110 — PostgreSQL has no event for it
            await asyncio.sleep(0)
        assert await self._admin.fetchval("SELECT pg_terminate_backend($1, 60000)", pid)

    async def kept(self) -> Kept:
        tenants = [row["id"] for row in await self._admin.fetch("SELECT id FROM tenants")]
        found = [each for tenant_id in tenants for each in await self._tracked(tenant_id)]
        accounts = await self._admin.fetch("SELECT check_id, accounted_time FROM check_states")
        accounted_us = {row["check_id"]: from_datetime(row["accounted_time"]) for row in accounts}
        periods = await self._of_checks("check_periods", "start_time", _period)
        results = await self._of_checks("results", "slot_time", from_row)
        incidents = await self._of_checks("incidents", "start_time, id", _incident)
        leases = await self._admin.fetch(_LEASES, to_datetime(BASE_US))
        return Kept(
            {
                each.check.id: KeptCheck(
                    check=each.check,
                    periods=periods[each.check.id],
                    track=each.track,
                    accounted_us=accounted_us[each.check.id],
                    results=results[each.check.id],
                    incidents=incidents[each.check.id],
                )
                for each in found
            },
            [Lease(row["worker_id"], row["epoch"], row["expire_s"]) for row in leases],
            frozenset(row["id"] for row in await self._admin.fetch("SELECT id FROM workers")),
        )

    async def heard(self) -> Sequence[tuple[str, str]]:
        # Notifications come in the order of the commits, so behind this one nothing older is to come.
        self._so_far.clear()
        await self._admin.execute(f"NOTIFY {_SO_FAR}")
        await self._so_far.wait()
        heard, self._heard = self._heard, []
        return heard

    async def _tracked(self, tenant_id: UUID) -> list[TrackedCheck]:
        async with self._database.tenant(tenant_id) as connection:
            return [tracked_check(row) for row in await connection.execute(tracked(tenant_id))]

    async def _of_checks(self, table: str, order: str, read: Callable[[Any], _T]) -> Mapping[UUID, list[_T]]:
        found = defaultdict(list)
        for row in await self._admin.fetch(f"SELECT * FROM {table} ORDER BY {order}"):
            found[row["check_id"]].append(read(row))
        return found

    def _hear(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        self._heard.append((channel, str(payload)))


@asynccontextmanager
async def in_sql(url: str) -> AsyncIterator[InSql]:
    """Make an installation.

    Args:
        url: of a database with all tables and no rows, as the owner of the tables.
    """
    admin = await asyncpg.connect(url)
    engine = await create_pool(url, "sentinel_engine", 4, times_in_us=True)
    pool = await create_pool(url, "sentinel_auth", 1)
    monitor, auth = patient_database(url, "sentinel_monitor", 1), patient_database(url, "sentinel_auth", 1)
    try:
        installation = InSql(admin, engine, monitor, AuthStore(auth, pool))
        await installation.begin()
        yield installation
    finally:
        for each in (admin, engine, pool, monitor, auth):
            await each.close()


def _operator(tenant_id: UUID) -> Actor:
    return Actor(tenant_id, ActorKind.OPERATOR, None, Origin("", "", ""))


def _moment(value: Any) -> int | None:
    return None if value is None else from_datetime(value)


def _period(row: Any) -> tuple[int, int | None, int]:
    return from_datetime(row["start_time"]), _moment(row["end_time"]), row["interval_us"]


def _incident(row: Any) -> KeptIncident:
    resolution = None if row["resolution"] is None else Resolution(row["resolution"])
    return KeptIncident(
        from_datetime(row["start_time"]), from_datetime(row["detect_time"]), _moment(row["end_time"]), resolution
    )
