"""What every service reads from the database: published keys, ended sessions, shared secrets."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import column, func, select

from services.common.database import Database
from services.common.tables import secrets, signing_keys


class CommonStore:
    """Reads what belongs to no tenant.

    Args:
        database: under any service's role.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping(self) -> None:
        """Return if the database answers.

        Raises:
            Unavailable: it does not.
        """
        async with self._database.untenanted() as connection:
            await connection.execute(select(1))

    async def public_keys(self) -> dict[str, bytes]:
        """The published Ed25519 public keys, raw, by kid."""
        async with self._database.untenanted() as connection:
            rows = await connection.execute(select(signing_keys.c.kid, signing_keys.c.public_key))
            return {row.kid: bytes(row.public_key) for row in rows}

    async def sessions_ended_since(self, moment: datetime) -> list[tuple[UUID, datetime]]:
        """Sessions of all tenants that ended at or after a moment, and when."""
        ended = func.sessions_ended_since(moment).table_valued(column("session_id"), column("ended"))
        async with self._database.untenanted() as connection:
            rows = await connection.execute(select(ended.c.session_id, ended.c.ended))
            return [(row.session_id, row.ended) for row in rows]

    async def secret(self, name: str) -> bytes:
        """A secret that all replicas share."""
        async with self._database.untenanted() as connection:
            value = await connection.execute(select(secrets.c.value).where(secrets.c.name == name))
            return bytes(value.scalar_one())
