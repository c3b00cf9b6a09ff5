"""An egress allowance for some tenants: their slugs come from the database."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy.exc import DBAPIError

from services.checks.check_settings import CheckSettings
from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.http import HttpSpec
from services.checks.tenant_egress import TenantEgress
from services.platform.egress.policy import EgressPolicy
from services.platform.errors import InvalidArgument
from services.platform.ids import new_id
from services.platform.postgres.common_store import CommonStore
from services.platform.postgres.database import Database
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.worker.on_demand import OnDemand, TryDraft
from services.worker.probe import Prober
from services.worker.store import TenantStore
from tests.integration.worker.guards import a_guard
from tests.integration.worker.probing import run, verdict
from tests.support.public_tls import public_tls
from tests.support.rows import a_tenant
from tests.support.targets import Echo, target


@pytest.fixture
async def tenants(database_url: str) -> list[UUID]:
    """Two tenants."""
    admin = await asyncpg.connect(database_url)
    made = [await a_tenant(admin) for _ in range(2)]
    await admin.close()
    return made


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """What a worker serves requests with."""
    database = Database(database_url, "sentinel_worker", size=1)
    yield database
    await database.close()


def allowing(tenant_id: UUID, store: CommonStore) -> TenantEgress:
    """Loopback, for one tenant."""
    return TenantEgress(EgressPolicy.parse(f"127.0.0.0/8@t-{tenant_id}+other"), store)


async def test_a_tenant_that_the_allowance_names_is_probed_and_another_is_blocked(
    database: Database, tenants: list[UUID], resolver: Resolver
) -> None:
    echo = Echo()
    egress = allowing(tenants[0], CommonStore(database))
    prober = Prober(Network(resolver, egress.policy, public_tls()), egress=egress, worker_id="worker-1")
    async with target(echo) as port:
        spec = HttpSpec(url=f"http://127.0.0.1:{port}/")
        seen = [await run(prober, spec, retries=3, tenant_id=each) for each in tenants]

    assert [verdict(each) for each in seen] == [(Outcome.UP, None), (Outcome.ERROR, ErrorKind.BLOCKED_TARGET)]
    assert "SENTINEL_EGRESS_ALLOW" in seen[1].error_message
    assert (len(echo.requests), seen[1].attempt) == (1, 1)


async def test_a_try_at_an_address_that_only_another_tenant_may_reach_is_refused(
    database: Database, tenants: list[UUID], resolver: Resolver, database_url: str
) -> None:
    egress = allowing(tenants[0], CommonStore(database))
    pool = await asyncpg.create_pool(database_url, min_size=0, max_size=1)
    on_demand = OnDemand(
        TenantStore(pool),
        Prober(Network(resolver, egress.policy, public_tls()), egress=egress, worker_id="worker-1"),
        None,
        egress,
    )
    draft = TryDraft(HttpSpec(url="http://127.0.0.1:1/"), CheckSettings(timeout_us=5_000_000))

    with pytest.raises(InvalidArgument) as caught:
        await anext(on_demand.try_out(tenants[1], draft, a_guard(tenants[1])))
    await pool.close()

    assert caught.value.reason == reasons.ERROR_REASON_TARGET_BLOCKED
    assert [each.field for each in caught.value.violations] == ["check.http.url"]


async def test_a_run_is_an_error_of_ours_while_the_tenant_cannot_be_read(
    tenants: list[UUID], resolver: Resolver
) -> None:
    away = Database("postgresql://postgres@127.0.0.1:1/nobody", "sentinel_worker", size=1)
    egress = allowing(tenants[0], CommonStore(away))
    prober = Prober(Network(resolver, egress.policy, public_tls()), egress=egress, worker_id="worker-1")
    seen = await run(prober, HttpSpec(url="http://127.0.0.1:1/"), tenant_id=tenants[0])
    await away.close()

    assert verdict(seen) == (Outcome.ERROR, ErrorKind.INTERNAL)


@pytest.mark.parametrize("role", ["sentinel_worker", "sentinel_monitor"])
async def test_a_slug_is_read_once_and_of_an_unknown_tenant_it_is_empty(
    database_url: str, tenants: list[UUID], role: str
) -> None:
    database = Database(database_url, role, size=1)
    egress = allowing(tenants[0], CommonStore(database))
    assert await egress.slug_of(tenants[0]) == f"t-{tenants[0]}"
    assert await egress.slug_of(new_id()) == ""
    admin = await asyncpg.connect(database_url)
    await admin.execute("UPDATE tenants SET slug = 'renamed' WHERE id = $1", tenants[0])
    await admin.close()

    assert await egress.slug_of(tenants[0]) == f"t-{tenants[0]}"
    assert await TenantEgress(EgressPolicy.parse("127.0.0.0/8"), CommonStore(database)).slug_of(tenants[1]) == ""
    await database.close()


async def test_auth_may_not_read_slugs_by_id(database_url: str, tenants: list[UUID]) -> None:
    database = Database(database_url, "sentinel_auth", size=1)
    with pytest.raises(DBAPIError, match="permission denied"):
        await CommonStore(database).slug_of_tenant(tenants[0])
    await database.close()
