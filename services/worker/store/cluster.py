"""The PostgreSQL cluster that the worker's database is in (docs/adr/0030)."""

import asyncpg


async def enter_cluster(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Have the database know its present cluster, before anything is recorded or read over a new connection.

    Raises:
        TimeoutError: somebody holds a lock on the results for long, such as a backup.
    """
    try:
        await connection.execute("SELECT enter_cluster()")
    except asyncpg.LockNotAvailableError as error:
        raise TimeoutError(
            "the table of results is locked; the new PostgreSQL cluster cannot be registered yet"
        ) from error
