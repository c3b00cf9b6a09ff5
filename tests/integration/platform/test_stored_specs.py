"""While processes of two versions run, each reads the specs that the other writes, in the form that it knows."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from services.checks.specs.column import CHECK_SPECS
from services.checks.specs.http import HttpSpec
from services.platform.ids import new_id
from services.platform.security.secret_box import SecretBox
from services.platform.security.secret_keys import SecretKeys
from tests.integration.platform.stored_specs import (
    EXAMPLES,
    SEALED,
    SEALED_CHECK,
    SEALED_KEY,
    SEALED_TENANT,
    SEALED_TOKEN,
    StoredSpec,
)
from tests.integration.platform.test_schema import upgrade_to
from tests.support.database import TestServer
from tests.support.rows import a_check
from tests.support.stack import ROOT

Admin = Any
CASES = [pytest.param(each, id=name) for name, each in EXAMPLES.items()]


@pytest.fixture(scope="module", params=["spec", "spec_message"])
def column(request: pytest.FixtureRequest) -> str:
    """The column of the version that writes."""
    return str(request.param)


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def forms(admin: Admin, check_id: UUID) -> StoredSpec:
    """A check's spec in both forms."""
    row = await admin.fetchrow("SELECT kind, spec, spec_message FROM checks WHERE id = $1", check_id)
    return StoredSpec(row["kind"], json.loads(row["spec"]), json.loads(row["spec_message"]))


async def create(admin: Admin, like: UUID, column: str, spec: StoredSpec) -> UUID:
    """Insert a check as a version does that knows only one of the columns."""
    check_id = new_id()
    given = spec.before if column == "spec" else spec.now
    await admin.execute(
        f"INSERT INTO checks (tenant_id, id, service_id, shard, name, kind, {column}, interval_us, timeout_us,"
        " failure_threshold, recovery_threshold, retries, create_time, update_time)"
        " SELECT tenant_id, $2, service_id, shard, $3, $4, $5, interval_us, timeout_us, 2, 1, 0, now(), now()"
        " FROM checks WHERE id = $1",
        like, check_id, str(check_id), spec.kind, json.dumps(given),
    )  # fmt: skip
    return check_id


def downgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


async def test_what_either_version_writes_is_there_for_the_other(admin: Admin, column: str) -> None:
    _, _, like = await a_check(admin)
    for name, spec in EXAMPLES.items():
        created = await create(admin, like, column, spec)
        assert await forms(admin, created) == spec, name

        updated = await create(admin, like, column, StoredSpec(spec.kind, {"url": "other"}, {spec.kind: {}}))
        given = spec.before if column == "spec" else spec.now
        await admin.execute(f"UPDATE checks SET {column} = $1 WHERE id = $2", json.dumps(given), updated)
        assert await forms(admin, updated) == spec, name


async def test_an_update_of_other_columns_changes_neither_form(admin: Admin, column: str) -> None:
    _, _, like = await a_check(admin)
    check_id = await create(admin, like, column, SEALED)
    await admin.execute("UPDATE checks SET name = 'renamed' WHERE id = $1", check_id)

    assert await forms(admin, check_id) == SEALED


@pytest.mark.parametrize("spec", CASES)
def test_the_form_of_the_migration_is_the_one_that_this_version_writes(spec: StoredSpec) -> None:
    shown = {name: value for name, value in spec.now.items() if name != "sealed"}

    assert CHECK_SPECS.to_json(CHECK_SPECS.masked(spec.kind, spec.now)) == shown


async def test_a_migration_there_and_back_keeps_specs_and_sealed_secrets(postgres: TestServer) -> None:
    url = await postgres.clone()
    admin: Admin = await asyncpg.connect(url, statement_cache_size=0)
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        _, _, like = await a_check(admin)
        ids = {name: await create(admin, like, "spec", spec) for name, spec in EXAMPLES.items()}
        async with engine.connect() as connection:
            await connection.run_sync(downgrade_to, "0025")
            await connection.commit()
            left = {row["id"]: json.loads(row["spec"]) for row in await admin.fetch("SELECT id, spec FROM checks")}
            assert {name: left[check_id] for name, check_id in ids.items()} == {
                name: spec.before for name, spec in EXAMPLES.items()
            }
            await connection.run_sync(upgrade_to, "0027")
            await connection.commit()
        assert {name: await forms(admin, check_id) for name, check_id in ids.items()} == EXAMPLES
        # The lock that adding a column takes is not held while rows are converted.
        added, converted = await admin.fetchrow(
            "SELECT a.xmin, c.xmin FROM pg_attribute a, checks c"
            " WHERE a.attrelid = 'checks'::regclass AND a.attname = 'spec_message' AND c.id = $1",
            ids["http"],
        )
        assert added != converted
    finally:
        await admin.close()
        await engine.dispose()


async def test_secrets_that_the_version_before_has_sealed_open(admin: Admin) -> None:
    _, _, like = await a_check(admin)
    check_id = await create(admin, like, "spec", SEALED)
    column = (await forms(admin, check_id)).now
    # For the row that they were encrypted for.
    found = CHECK_SPECS.decrypted("http", column, SEALED_TENANT, SEALED_CHECK, SecretBox(SecretKeys([SEALED_KEY])))

    assert isinstance(found, HttpSpec)
    assert found.auth.bearer_token == SEALED_TOKEN
