"""A run on demand: each phase as it happens, then the result, recorded apart from the schedule's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import asyncpg
import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.outcome import Outcome
from services.checks.result import Result
from services.platform.errors import NotFound
from services.platform.postgres.database import create_pool
from services.platform.rpc.stream_guard import EndReason
from services.platform.security.principal import Role
from services.platform.security.revocations import Revoked
from services.worker.on_demand import OnDemand, PhaseEnded, RunAborted
from services.worker.probe import Prober
from services.worker.store import TenantStore
from tests.integration.worker.guards import Credentials, a_guard
from tests.support.patience import PATIENCE_S
from tests.support.rows import a_check
from tests.support.targets import OK, Echo, target


@pytest.fixture
async def on_demand(database_url: str, prober: Prober) -> AsyncIterator[OnDemand]:
    pool = await create_pool(database_url, "sentinel_worker", 2, times_in_us=True)
    yield OnDemand(TenantStore(pool), prober)
    await pool.close()


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_each_phase_is_told_as_it_ends_and_the_result_is_recorded_apart(
    on_demand: OnDemand, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    release = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await release.wait()
        writer.write(OK)
        await writer.drain()
        writer.close()

    async with target(handler) as port:
        ids = await a_check(admin, url=f"http://127.0.0.1:{port}/")
        async with aclosing(on_demand.run(*ids, a_guard(ids[0]))) as events, asyncio.timeout(PATIENCE_S):
            first = await anext(events)
            assert isinstance(first, PhaseEnded)
            assert first.phase == "connect"  # while the target has not answered yet
            release.set()
            *phases, result = [event async for event in events]
    assert [event.phase for event in phases if isinstance(event, PhaseEnded)] == ["ttfb", "transfer"]
    assert isinstance(result, Result)
    assert result.outcome is Outcome.UP
    assert await admin.fetchval("SELECT count(*) FROM results") == 0
    assert await admin.fetchval("SELECT state FROM check_states WHERE check_id = $1", ids[2]) == 3  # as it was made
    recorded = await admin.fetch("SELECT tenant_id, service_id, check_id, outcome FROM on_demand_results")
    assert [tuple(row) for row in recorded] == [(*ids, Outcome.UP)]


async def test_another_tenants_check_is_not_found(
    on_demand: OnDemand, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, other = await a_check(admin), await a_check(admin)
    for ids in ((mine[0], *other[1:]), (mine[0], mine[1], other[2]), (mine[0], other[1], mine[2])):
        with pytest.raises(NotFound) as refused:
            await anext(on_demand.run(*ids, a_guard(ids[0])))
        assert refused.value.reason == reasons.ERROR_REASON_CHECK_NOT_FOUND


@pytest.mark.parametrize(
    ("revoked", "role"),
    [
        (Revoked.SESSION, None),  # logged out, disabled or deleted
        (Revoked.SUSPENDED, None),
        (Revoked.ROLE, Role.MEMBER),
    ],
)
async def test_a_run_ends_and_frees_its_place_when_its_caller_may_no_longer_have_it(
    on_demand: OnDemand, admin: "asyncpg.Connection[asyncpg.Record]", revoked: Revoked, role: Role | None
) -> None:
    hung_up = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        hung_up.set()
        writer.close()

    async with target(silent) as port, asyncio.timeout(PATIENCE_S):
        ids = await a_check(admin, url=f"http://127.0.0.1:{port}/")
        credentials = Credentials(ids[0])
        async with aclosing(on_demand.run(*ids, credentials.guard(Role.ADMIN))) as events:
            assert isinstance(await anext(events), PhaseEnded)
            assert on_demand.running == 1
            credentials.revoke(revoked, role)
            assert [event async for event in events] == [RunAborted(EndReason.SESSION_ENDED)]
            assert on_demand.running == 0
        await hung_up.wait()
    assert await admin.fetchval("SELECT count(*) FROM on_demand_results") == 0


async def test_a_run_goes_on_when_its_caller_keeps_the_role_it_needs(
    on_demand: OnDemand, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with target(Echo()) as port, asyncio.timeout(PATIENCE_S):
        ids = await a_check(admin, url=f"http://127.0.0.1:{port}/")
        credentials = Credentials(ids[0])
        credentials.revoke(Revoked.ROLE, Role.ADMIN)
        async with aclosing(on_demand.run(*ids, credentials.guard(Role.ADMIN))) as events:
            *_, last = [event async for event in events]
    assert isinstance(last, Result)


async def test_a_run_ends_when_the_server_does(
    on_demand: OnDemand, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with target(Echo()) as port, asyncio.timeout(PATIENCE_S):
        ids = await a_check(admin, url=f"http://127.0.0.1:{port}/")
        credentials = Credentials(ids[0])
        credentials.stopping.set()
        async with aclosing(on_demand.run(*ids, credentials.guard(Role.ADMIN))) as events:
            assert [event async for event in events] == [RunAborted(EndReason.SHUTTING_DOWN)]
