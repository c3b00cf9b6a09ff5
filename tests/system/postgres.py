"""Databases on a PostgreSQL server of Debian's package, as an operator would make them."""

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import asyncpg

ADMIN_PASSWORD = "admin"
_numbers = count(1)


class Owner(NamedTuple):
    """Who owns a database: a user with the rights that docs/settings.md asks for, and no more.

    Attributes:
        name: the user's, and the database's.
        password: the user's.
    """

    name: str
    password: str

    def url(self, port: int) -> str:
        """Return the database's URL through a port."""
        return f"postgresql://{self.name}:{self.password}@127.0.0.1:{port}/{self.name}"


@dataclass(frozen=True, slots=True)
class DebianPostgres:
    """A running server.

    Attributes:
        port: where it listens.
    """

    port: int

    def new_database(self) -> Owner:
        """Make a user who may create roles, and an empty database that the user owns."""
        owner = Owner(f"sentinel_{next(_numbers)}", "secret")
        asyncio.run(self._make(owner))
        return owner

    async def _make(self, owner: Owner) -> None:
        admin = await asyncpg.connect(f"postgresql://postgres:{ADMIN_PASSWORD}@127.0.0.1:{self.port}/postgres")
        try:
            await admin.execute(f"CREATE ROLE {owner.name} LOGIN CREATEROLE PASSWORD '{owner.password}'")
            await admin.execute(f"CREATE DATABASE {owner.name} OWNER {owner.name}")
        finally:
            await admin.close()
