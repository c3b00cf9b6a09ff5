"""Monitor's use cases on a database of the test's own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.checks.incident import Resolution
from services.checks.specs.http import HttpSpec
from services.checks.tenant_egress import TenantEgress
from services.monitor.checks import Checks
from services.monitor.drafts import CheckDraft, ServiceDraft
from services.monitor.figures.figures import ServiceFigures
from services.monitor.figures.rollup import Retention
from services.monitor.incidents.incidents import Incidents
from services.monitor.maintenance.maintenance import MaintenanceWindows
from services.monitor.quotas import Quotas
from services.monitor.results import ResultHistory
from services.monitor.services import Services
from services.monitor.status import Status
from services.monitor.store import MonitorStore
from services.monitor.store.rollups import RollupSql
from services.platform.clock import DAY_US, to_datetime
from services.platform.egress.policy import EgressPolicy
from services.platform.ids import new_id
from services.platform.paging import Pager
from services.platform.postgres.database import create_pool
from services.platform.security.audit import Actor, user_actor
from services.platform.security.origin import Origin
from services.platform.security.signed_tokens import TokenSigner
from services.worker.store import EngineStore
from tests.integration.monitor.recording import Worker
from tests.support.database import patient_database
from tests.support.rows import a_tenant
from tests.support.wall_clock import begin_well_within_the_hour

KEEP = Retention(30 * DAY_US, 400 * DAY_US)
QUOTAS = Quotas(services=1_000, checks=1_000)
Admin = Any  # a connection as the owner of the tables


@dataclass
class Monitor:
    """Everything that monitor does, for one tenant.

    Attributes:
        store: its store.
        actor: who changes things in the tenant.
    """

    store: MonitorStore
    actor: Actor
    quotas: Quotas = QUOTAS

    def __post_init__(self) -> None:
        """Build the use cases."""
        pager, egress = Pager(TokenSigner(b"an installation's secret", "page")), TenantEgress(EgressPolicy())
        self.checks = Checks(self.store, pager, self.quotas, egress)
        self.figures = ServiceFigures(self.store, KEEP)
        self.services = Services(self.store, pager, self.quotas, self.figures, egress)
        self.status = Status(self.store)
        self.incidents = Incidents(self.store, pager)
        self.windows = MaintenanceWindows(self.store, pager, self.quotas)
        self.results = ResultHistory(self.store, pager)

    @property
    def tenant_id(self) -> UUID:
        """The tenant."""
        return self.actor.tenant_id

    async def service(self, name: str = "Shop", **rest: Any) -> UUID:
        """The id of a new service."""
        draft = ServiceDraft(**{"name": name, "url": "", "description": "", "labels": {}, **rest})
        return (await self.services.create(self.actor, draft, None)).service.id

    async def check(self, service_id: UUID, name: str = "home", **rest: Any) -> UUID:
        """The id of a new check."""
        draft = CheckDraft(name=name, spec=HttpSpec(url="http://t.test/"), given=rest)
        return (await self.checks.create(self.actor, service_id, draft, None)).check.id


@pytest.fixture(autouse=True)
def well_within_the_hour() -> None:
    """Figures by the hour are the same at the end of a test as at its beginning."""
    begin_well_within_the_hour()


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    """The owner of the tables."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[MonitorStore]:
    """Monitor's store."""
    database = patient_database(database_url, "sentinel_monitor")
    yield MonitorStore(database)
    await database.close()


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[EngineStore]:
    """What the workers' engines ask the database."""
    pool = await create_pool(database_url, "sentinel_engine", 4, times_in_us=True)
    yield EngineStore(pool)
    await pool.close()


async def a_monitor(admin: Admin, store: MonitorStore, quotas: Quotas = QUOTAS) -> Monitor:
    """Monitor for a tenant of its own."""
    return Monitor(store, user_actor(await a_tenant(admin), new_id(), Origin("192.0.2.1", "test", "request-1")), quotas)


@pytest.fixture
async def monitor(admin: Admin, store: MonitorStore) -> Monitor:
    """Monitor for one tenant."""
    return await a_monitor(admin, store)


@pytest.fixture
async def worker(database_url: str, admin: Admin) -> AsyncIterator[Worker]:
    """Records what checks' slots end as."""
    pool = await create_pool(database_url, "sentinel_engine", 1, times_in_us=True)
    yield Worker(EngineStore(pool), admin)
    await pool.close()


@pytest.fixture
async def rollups(database_url: str) -> AsyncIterator[RollupSql]:
    """The rollup's store."""
    database = patient_database(database_url, "sentinel_rollup", size=1)
    yield RollupSql(database)
    await database.close()


async def an_incident(
    admin: Admin,
    monitor: Monitor,
    check_id: UUID,
    start_us: int,
    end_us: int | None = None,
    resolution: Resolution = Resolution.RECOVERED,
    error_message: str = "",
) -> None:
    """An incident of a check; without an end it is open."""
    await admin.execute(
        "INSERT INTO incidents (tenant_id, id, service_id, check_id, service_name, check_name, start_time, detect_time,"
        " end_time, resolution, error_message)"
        " SELECT c.tenant_id, $3, s.id, c.id, s.name, c.name, $4, $4, $5, $6, $7"
        " FROM checks c JOIN services s ON s.tenant_id = c.tenant_id AND s.id = c.service_id"
        " WHERE c.tenant_id = $1 AND c.id = $2",
        monitor.tenant_id, check_id, new_id(), to_datetime(start_us), None if end_us is None else to_datetime(end_us),
        None if end_us is None else int(resolution), error_message,
    )  # fmt: skip
