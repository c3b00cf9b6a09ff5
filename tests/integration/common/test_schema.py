"""The tables as Core knows them are the tables that the migrations make."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from services.common.migrate import migrate
from services.common.tables import metadata

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


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    await migrate(database_url)
