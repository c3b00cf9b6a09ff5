"""Bring the database to the newest schema: `python -m services.common.migrate`.

Safe to run from several places at once: one migrates, the others wait. `up` runs it before the services start.
"""

import asyncio
import sys
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from services.common.database import CONNECTION_ERRORS
from services.common.settings import SettingError, database_url

_FOLDER = Path(__file__).resolve().parent.parent.parent / "migrations"
_LOCK = 7_305_441


async def migrate(url: str) -> None:
    """Apply what has not been applied yet.

    Args:
        url: postgresql://…, as a user who may create tables and roles.
    """
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.commit()
            await connection.run_sync(_upgrade)
            await connection.commit()
            await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def main() -> None:
    """Migrate the database that SENTINEL_DATABASE_URL names."""
    try:
        url = database_url()
    except SettingError as error:
        sys.exit(f"sentinel: {error}")
    try:
        asyncio.run(migrate(url))
    except CONNECTION_ERRORS as error:
        where = make_url(url)
        place = f"{where.host or 'its socket'}:{where.port or 5432}"
        sys.exit(f"sentinel: the database at {place} cannot be reached: {error}")
    except asyncpg.PostgresError as error:
        sys.exit(f"sentinel: the database refuses: {error}")


if __name__ == "__main__":
    main()
