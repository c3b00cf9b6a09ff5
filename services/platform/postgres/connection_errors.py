"""What asyncpg raises when the database is away. Apart from the rest, so that it is had without SQLAlchemy."""

import asyncpg

CONNECTION_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ConnectionDoesNotExistError,
    # What the driver says when the connection broke between two of its own steps.
    asyncpg.InternalClientError,
)
