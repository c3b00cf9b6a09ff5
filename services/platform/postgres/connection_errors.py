"""What asyncpg raises if the database is unavailable. A module of its own, to be importable without SQLAlchemy."""

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
