"""The errors that asyncpg raises if the database is unavailable. This module does not import SQLAlchemy."""

import asyncpg

CONNECTION_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ConnectionDoesNotExistError,
    # Raised by the driver if the connection broke between two of its internal steps.
    asyncpg.InternalClientError,
)
