"""The PostgreSQL cluster of the worker's database (docs/adr/0030)."""

import asyncpg


async def enter_cluster(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Register the present cluster, before a new connection records or reads anything.

    Raises:
        TimeoutError: the results are locked for long, such as by a backup.
    """
    try:
        await connection.execute("SELECT enter_cluster()")
    except asyncpg.LockNotAvailableError as error:
        raise TimeoutError(
            "the table of results is locked; the new PostgreSQL cluster cannot be registered yet"
        ) from error
