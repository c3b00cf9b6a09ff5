"""Bring the database to the newest schema: `python -m services.platform.postgres.migrate`.

Safe to run concurrently: one process migrates, the others wait. `up` runs it before the services start. If the schema
is current, Alembic and SQLAlchemy are not imported, which would take most of a second.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from services.platform.configuration.settings import SettingError, Settings
from services.platform.postgres.connection_errors import CONNECTION_ERRORS

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FOLDER = Path(__file__).resolve().parents[3] / "migrations"
_LOCK = 7_305_441


async def migrate(url: str) -> None:
    """Apply the pending migrations.

    Args:
        url: postgresql://…, of a user who may create tables and roles.
    """
    if not await _is_newest(url):
        await _upgrade(url)


async def _is_newest(url: str) -> bool:
    newest = max(path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))
    connection = await asyncpg.connect(url)
    try:
        # Checked first: selecting from a missing table would log an error at every first start.
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return False
        return bool(await connection.fetchval("SELECT version_num FROM alembic_version") == newest)
    finally:
        await connection.close()


async def _upgrade(url: str) -> None:
    from sqlalchemy import text  # noqa: PLC0415 — only where there is something to do
    from sqlalchemy.engine import make_url  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.commit()
            await connection.run_sync(_run_alembic)
            await connection.commit()
            await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    finally:
        await engine.dispose()


def _run_alembic(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 — as above
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def main() -> None:
    """Migrate the database of SENTINEL_DATABASE_URL."""
    try:
        url = Settings.database_url.read(os.environ)
    except SettingError as error:
        sys.exit(f"sentinel: {error}")
    try:
        asyncio.run(migrate(url))
    except CONNECTION_ERRORS as error:
        where = urlsplit(url)
        place = f"{where.hostname or 'its socket'}:{where.port or 5432}"
        sys.exit(f"sentinel: the database at {place} cannot be reached: {error}")
    except asyncpg.PostgresError as error:
        sys.exit(f"sentinel: the database returned an error: {error}")


if __name__ == "__main__":
    main()
