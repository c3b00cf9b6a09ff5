"""Migrations of databases with rows: nothing that an earlier version wrote is lost, and the services read all of it.

One database goes through all revisions. At each of them a tenant gets a row in every table that there is, with a value
in every column; its rows go through all later migrations.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.auth.audit_trail import AuditFilter
from services.auth.store import AuthStore
from services.auth.team import UserFilter
from services.checks.check_settings import CheckSettings
from services.checks.outcome import Outcome
from services.checks.specs.column import CHECK_SPECS
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.checks.state import CheckState
from services.monitor.incidents.incidents import IncidentFilter
from services.monitor.results import ResultFilter
from services.monitor.store import MonitorStore
from services.platform.clock import from_datetime, now_us
from services.platform.paging import PageRequest
from services.platform.postgres.database import create_pool
from services.platform.security.audit import user_actor
from services.platform.security.origin import Origin
from services.worker.kinds.undecryptable import UndecryptableSpec
from services.worker.store import EngineStore, SignalsSql, TenantStore
from tests.integration.monitor.conftest import Monitor
from tests.integration.platform.populated import (
    FAILED_ASSERTIONS,
    FAILED_ATTEMPTS,
    START,
    URL,
    Populated,
    contents,
    differences,
    populate,
)
from tests.integration.platform.stored_specs import EXAMPLES
from tests.integration.platform.test_schema import upgrade_to
from tests.support.database import TestServer, patient_database
from tests.support.stack import ROOT

# What a migration changes of rows that are there; each says why.
CHANGED_BY = {
    # Workers of the version before: each writes its row anew within seconds, with more columns.
    "0004": {("workers", "row")},
    # Keys without an end that a client could read.
    "0018": {("api_keys", "expire_time")},
    # Specs, of which there was only the form of the version before.
    "0027": {("checks", "spec_message")},
}
ONE_PAGE = PageRequest(10, None)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A database with rows of all revisions, upgraded to the newest.

    Attributes:
        url: its URL.
        tenants: one for each revision that it went through, oldest first.
    """

    url: str
    tenants: list[Populated]


def revisions() -> list[str]:
    """Return all revisions, oldest first."""
    return [script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()][::-1]


@asynccontextmanager
async def migrating(url: str) -> AsyncIterator[AsyncConnection]:
    """Yield a connection for migrations."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


@pytest.fixture
async def upgraded(postgres: TestServer) -> Upgraded:
    """Take a database through all revisions, with rows of each; no step loses or changes any that it should not."""
    url = await postgres.clone(empty=True)
    tenants: list[Populated] = []
    # Statements are not remembered: their columns change.
    admin: Any = await asyncpg.connect(url, statement_cache_size=0)
    try:
        async with migrating(url) as connection:
            for revision in revisions():
                before = await contents(admin) if tenants else {}
                await connection.run_sync(upgrade_to, revision)
                await connection.commit()
                lost = differences(before, await contents(admin))
                assert lost == CHANGED_BY.get(revision, set()), f"revision {revision}"
                tenants.append(await populate(admin, revision))
    finally:
        await admin.close()
    return Upgraded(url, tenants)


async def test_rows_of_every_earlier_version_are_kept_and_read_by_the_services(
    upgraded: Upgraded,
) -> None:
    assert [of.revision for of in upgraded.tenants] == revisions()
    assert len(upgraded.tenants[0].tables) < len(upgraded.tenants[-1].tables)
    async with services_on(upgraded.url) as services:
        for of in upgraded.tenants:
            await auth_reads(services.auth, of)
            await monitor_reads(services.monitor, of)
            await worker_reads(services, of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The stores of the services."""

    auth: AuthStore
    monitor: MonitorStore
    engine: EngineStore
    signals: SignalsSql
    requests: TenantStore


@asynccontextmanager
async def services_on(url: str) -> AsyncIterator[Services]:
    """Yield the stores of all services on a database, each under its role."""
    auth, monitor = (patient_database(url, f"sentinel_{name}", 2) for name in ("auth", "monitor"))
    pool = await create_pool(url, "sentinel_auth", 1)
    engine = await create_pool(url, "sentinel_engine", 1, times_in_us=True)
    requests = await create_pool(url, "sentinel_worker", 1, times_in_us=True)
    try:
        yield Services(
            auth=AuthStore(auth, pool),
            monitor=MonitorStore(monitor),
            engine=EngineStore(engine),
            signals=SignalsSql(engine),
            requests=TenantStore(requests),
        )
    finally:
        for each in (pool, engine, requests):
            await each.close()
        for database in (auth, monitor):
            await database.close()


async def auth_reads(auth: AuthStore, of: Populated) -> None:
    """Read what auth keeps of a tenant."""
    name = f"of {of.tenant_id}"
    found = await auth.find_user(of.tenant_id, of.user_id)
    assert found is not None
    assert (found[0].slug, found[1].email) == (name, name)
    users, total = await auth.list_users(of.tenant_id, UserFilter(), ONE_PAGE)
    assert ([user.id for user in users], total) == ([of.user_id], 1)
    sessions = await auth.list_sessions(of.tenant_id, of.user_id, now_us(), 10)
    assert [session.id for session in sessions] == [of.session_id]
    if "api_keys" in of.tables:
        keys, _ = await auth.list_api_keys(of.tenant_id, ONE_PAGE)
        assert [(key.id, key.name) for key in keys] == [(of.api_key_id, name)]
        invitations, _ = await auth.list_invitations(of.tenant_id, ONE_PAGE, now_us())
        assert [invitation.email for invitation in invitations] == [name]
        entries, _ = await auth.list_audit(of.tenant_id, AuditFilter(), ONE_PAGE)
        assert [(entry.change.action, entry.change.before) for entry in entries] == [(name, {"name": name})]


async def monitor_reads(store: MonitorStore, of: Populated) -> None:
    """Read what monitor shows of a tenant."""
    name = f"of {of.tenant_id}"
    monitor = Monitor(store, user_actor(of.tenant_id, of.user_id, Origin("192.0.2.1", "test", "request-1")))
    service = (await monitor.services.get(of.tenant_id, of.service_id)).service
    assert (service.name, service.labels) == (name, {"team": "web"})
    row = await monitor.checks.get(of.tenant_id, of.service_id, of.check_id)
    assert (row.check.name, row.check.settings.failure_threshold, row.check.pause_us) == (name, 2, None)
    assert row.check.settings.retry_delay_us == (1 if of.revision >= "0023" else CheckSettings().retry_delay_us)
    assert row.track.state is CheckState.DOWN
    assert isinstance(row.check.spec, HttpSpec)
    assert row.check.spec.url == URL
    assert "in the open" not in repr(row.check.spec.hidden())
    (check,) = (await monitor.status.of_service(of.tenant_id, of.service_id)).checks
    assert check.last is not None
    for on_demand in (False, True):
        wanted = ResultFilter(on_demand=on_demand)
        (result,) = (await monitor.results.list(of.tenant_id, of.service_id, of.check_id, wanted, 0, "")).items
        assert (result.outcome, result.error_message, result.resolved_ip) == (Outcome.DOWN, name, "192.0.2.1")
        assert (result.slot_us, result.start_us) == (from_datetime(START), from_datetime(START))
        assert result.slow is (of.revision >= "0016")
        assert result.failed_assertions == (FAILED_ASSERTIONS if of.revision >= "0016" else ())
        assert result.failed_attempts == (FAILED_ATTEMPTS if of.revision >= "0023" else ())
    checks, _ = await store.list_checks(of.tenant_id, of.service_of_specs_id, PageRequest(len(EXAMPLES), None)) or (
        (),
        0,
    )
    assert {each.check.id: each.check.spec for each in checks} == wanted_specs(of)
    incidents, total = await store.list_incidents(of.tenant_id, IncidentFilter(), ONE_PAGE) or ((), 0)
    assert [incident.id for incident in incidents] == ([of.incident_id] if "incidents" in of.tables else [])
    assert total == len(incidents)
    if "incidents" in of.tables:
        incident, events = await monitor.incidents.get(of.tenant_id, of.incident_id)
        assert (incident.check_name, [event.note for event in events]) == (name, [name])
    windows = [(window.id, window.update_us) for window in (await monitor.windows.list(of.tenant_id, 0, "")).items]
    assert windows == ([(of.window_id, from_datetime(START))] if "maintenance_windows" in of.tables else [])


def wanted_specs(of: Populated) -> dict[UUID, Spec]:
    """Return the specs that each check should have, without its secrets."""
    return {of.specs[name]: CHECK_SPECS.masked(kind, now) for name, (kind, _, now) in EXAMPLES.items()}


async def worker_reads(services: Services, of: Populated) -> None:
    """Read what workers probe of a tenant, and the results that they stream."""
    held = await services.engine.checks_by_key([(of.tenant_id, check_id) for check_id in of.specs.values()])
    assert {check.id: check.spec for check, _ in held if not isinstance(check.spec, UndecryptableSpec)} == {
        check_id: spec for check_id, spec in wanted_specs(of).items() if not spec.secret_fields()
    }
    assert {check.id for check, _ in held} == set(of.specs.values())
    ((check, _),) = await services.engine.checks_by_key([(of.tenant_id, of.check_id)])
    assert (check.service_id, check.since_us) == (of.service_id, from_datetime(START))
    last = await services.requests.frontier(of.tenant_id)
    _, recorded = await services.requests.recorded_after(of.tenant_id, last.beginning(), last, 10)
    assert [result.check_id for _, result in recorded] == [of.check_id]
    if "heartbeats" in of.tables:
        ((_, reported),) = (await services.signals.reported([(of.tenant_id, of.check_id)])).items()
        failure = (from_datetime(START), 1) if of.revision >= "0024" else (None, None)
        assert (reported.signal_us, reported.exit_code) == (from_datetime(START), 1)
        assert (reported.failure_us, reported.failure_code) == failure
