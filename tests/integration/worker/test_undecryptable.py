"""A worker never runs a check without its secrets: if it cannot decrypt them, the run is an internal error."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.checks.specs.column import to_column
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import HttpAuth
from services.platform.clock import SECOND_US
from services.platform.postgres.database import create_pool
from services.platform.security.secret_box import NO_KEYS, SecretBox
from services.platform.security.secret_keys import SecretKeys
from services.worker.kinds.undecryptable import UndecryptableSpec
from services.worker.probe import Prober
from services.worker.schedule import ScheduledCheck
from services.worker.store import EngineStore, TenantStore
from tests.support.rows import a_check
from tests.support.targets import Echo, target

TOKEN = "s3cret-token"
BOX = SecretBox(SecretKeys([b"k" * 32]))
OTHER = SecretBox(SecretKeys([b"o" * 32]))
Admin = Any  # a connection as the owner of the tables


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def engine_pool(database_url: str) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    pool = await create_pool(database_url, "sentinel_engine", 2, times_in_us=True)
    yield pool
    await pool.close()


async def a_secretive_check(admin: Admin, url: str) -> tuple[UUID, UUID, UUID]:
    """A check with a token; tenant, service and check."""
    ids = await a_check(admin)
    spec = HttpSpec(url=url, auth=HttpAuth(bearer_token=TOKEN))
    await put(admin, ids[2], to_column(spec, ids[0], ids[2], BOX))
    return ids


async def put(admin: Admin, check_id: UUID, column: dict[str, Any]) -> None:
    await admin.execute("UPDATE checks SET spec_message = $1 WHERE id = $2", json.dumps(column), check_id)


async def column_of(admin: Admin, check_id: UUID) -> dict[str, Any]:
    return dict(json.loads(await admin.fetchval("SELECT spec_message FROM checks WHERE id = $1", check_id)))


async def run(prober: Prober, check: ScheduledCheck) -> Result:
    settings = replace(check.settings, timeout_us=3 * SECOND_US, retries=2)
    return await prober.run(replace(check, settings=settings), 0, 0)


async def test_the_engine_runs_it_with_its_secrets(
    admin: Admin, engine_pool: "asyncpg.Pool[asyncpg.Record]", prober: Prober
) -> None:
    echo = Echo()
    async with target(echo) as port:
        ids = await a_secretive_check(admin, f"http://127.0.0.1:{port}/")
        ((by_key, _),) = await EngineStore(engine_pool, BOX).checks_by_key([(ids[0], ids[2])])
        (batch,) = [rows async for rows in EngineStore(engine_pool, BOX).checks_of_shards(range(256))]
        outcomes = [(await run(prober, check)).outcome for check in (by_key, batch[0][0])]

    assert outcomes == [Outcome.UP] * 2
    assert [f"Authorization: Bearer {TOKEN}".encode() in request for request in echo.requests] == [True] * 2


@pytest.mark.parametrize("box", [NO_KEYS, OTHER])
async def test_without_its_key_it_is_error_with_words_and_no_request_goes_out(
    admin: Admin,
    engine_pool: "asyncpg.Pool[asyncpg.Record]",
    prober: Prober,
    box: SecretBox,
    capsys: pytest.CaptureFixture[str],
) -> None:
    echo = Echo()
    async with target(echo) as port:
        ids = await a_secretive_check(admin, f"http://127.0.0.1:{port}/")
        ((check, _),) = await EngineStore(engine_pool, box).checks_by_key([(ids[0], ids[2])])
        seen = await run(prober, check)

    assert (seen.outcome, seen.error_kind, seen.attempt) == (Outcome.ERROR, ErrorKind.INTERNAL, 1)
    assert "cannot decrypt the secrets of the check" in seen.error_message
    assert echo.requests == []
    assert check.target == f"127.0.0.1:{port}"
    told = capsys.readouterr().out
    assert str(ids[2]) in told
    assert TOKEN not in told


async def test_on_demand_it_is_the_same(database_url: str, admin: Admin, prober: Prober) -> None:
    pool = await create_pool(database_url, "sentinel_worker", 2, times_in_us=True)
    ids = await a_secretive_check(admin, "http://127.0.0.1:1/")
    found = [await TenantStore(pool, box).find_check(*ids) for box in (BOX, OTHER)]
    await pool.close()

    assert [type(each.spec) for each in found if each] == [HttpSpec, UndecryptableSpec]


async def test_a_row_copied_to_another_tenant_or_pointed_at_another_host_is_error(
    admin: Admin, engine_pool: "asyncpg.Pool[asyncpg.Record]", prober: Prober
) -> None:
    echo = Echo()
    store = EngineStore(engine_pool, BOX)
    async with target(echo) as port:
        ids = await a_secretive_check(admin, "http://shop.test/")
        column = await column_of(admin, ids[2])
        stranger = await a_check(admin)
        await put(admin, stranger[2], column)
        column["http"]["url"] = f"http://127.0.0.1:{port}/"
        await put(admin, ids[2], column)
        rows = await store.checks_by_key([(ids[0], ids[2]), (stranger[0], stranger[2])])
        outcomes = [(await run(prober, check)).outcome for check, _ in rows]

    assert outcomes == [Outcome.ERROR] * 2
    assert echo.requests == []


async def test_a_log_names_some_of_many(
    admin: Admin, engine_pool: "asyncpg.Pool[asyncpg.Record]", capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [await a_secretive_check(admin, "http://shop.test/") for _ in range(15)]
    rows = await EngineStore(engine_pool, OTHER).checks_by_key([(ids[0], ids[2]) for ids in checks])

    assert len(rows) == 15
    assert capsys.readouterr().out.count("check cannot be run") == 10
