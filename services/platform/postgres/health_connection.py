"""The database connection of health checks: outside all pools, so that a busy pool does not fail them."""

import asyncio

import asyncpg

from services.platform.errors import Unavailable
from services.platform.postgres.connection import connect
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.platform.postgres.listener import Listener

_WAIT_S = 2.0


class HealthConnection:
    """Runs health queries over the listener's connection, and over a second one while that is lost.

    The second connection is opened on demand and reopened after a loss, because a lost connection does not mean that
    the database is unavailable.

    Args:
        url: postgresql://…
        role: the PostgreSQL role to act as.
        listener: the listener of the process.
        wait_s: how long to wait for the database, in seconds.
    """

    def __init__(self, url: str, role: str, listener: Listener, wait_s: float = _WAIT_S) -> None:
        self._url = url
        self._role = role
        self._listener = listener
        self._wait_s = wait_s
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def ping(self) -> None:
        """Check that the database responds in time.

        Raises:
            Unavailable: it does not.
        """
        try:
            async with asyncio.timeout(self._wait_s):
                if await self._listener_answers():
                    self.close()
                elif not await self._reuse_works():
                    self._connection = await connect(self._url, self._role)
                    await self._connection.execute("SELECT 1")
        except CONNECTION_ERRORS as error:
            self.close()
            raise Unavailable from error

    async def _listener_answers(self) -> bool:
        """Return whether the connection that listens works."""
        try:
            return await self._listener.ping()
        except TimeoutError:
            raise
        except CONNECTION_ERRORS:
            return False

    async def _reuse_works(self) -> bool:
        """Return whether its own connection works."""
        if self._connection is None:
            return False
        try:
            await self._connection.execute("SELECT 1")
        except TimeoutError:
            raise
        except CONNECTION_ERRORS:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close its own connection at once."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
