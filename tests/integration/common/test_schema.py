"""The tables as Core knows them are the tables that the migrations make."""

from datetime import UTC, datetime

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from services.common.ids import new_id
from services.common.migrate import migrate
from services.common.tables import metadata
from tests.database import TestServer
from tests.e2e.stack import ROOT

# What Core need not know: constraints and indexes are the migrations' business.
_COLUMNS = {"add_table", "remove_table", "add_column", "remove_column", "modify_type", "modify_nullable"}


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    found = [entry if isinstance(entry, tuple) else entry[0] for entry in compare_metadata(context, metadata)]
    return [
        entry
        for entry in found
        if entry[0] in _COLUMNS and not (entry[0] == "remove_table" and entry[1].name == "alembic_version")
    ]


async def test_core_and_migrations_agree(database_url: str) -> None:
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await engine.dispose()


def upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_a_check_that_is_there_gets_an_open_period_from_when_it_was_made(postgres: TestServer) -> None:
    url = await postgres.clone(empty=True)
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    tenant_id, service_id, check_id = new_id(), new_id(), new_id()
    try:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade_to, "0002")
            for statement in (
                f"INSERT INTO tenants VALUES ('{tenant_id}', 'acme', 'Acme', now())",
                f"INSERT INTO services VALUES ('{tenant_id}', '{service_id}', 's', '', '', '{{}}', NULL, now(), now())",
                (
                    f"INSERT INTO checks VALUES ('{tenant_id}', '{check_id}', '{service_id}', 0, 'c', 'http', '{{}}',"
                    " 7, 5, 1, 1, 0, NULL, '2026-01-02 03:04:05Z', now())"
                ),
            ):
                await connection.execute(text(statement))
            await connection.run_sync(upgrade_to, "head")
            periods = await connection.execute(text("SELECT * FROM check_periods"))
            start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
            assert [tuple(row) for row in periods] == [(tenant_id, check_id, start, None, 7)]
    finally:
        await engine.dispose()


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    await migrate(database_url)
