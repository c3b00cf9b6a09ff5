"""Access to PostgreSQL: one pool per service, under the service's role, and transactions bound to a tenant.

Row-level security is the second line of defence (architecture.md § Trust): a service connects as a role that owns
nothing, and a policy on each tenant-owned table compares tenant_id with app.tenant_id, which a transaction sets. A
query without its tenant returns no rows.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

import asyncpg
from sqlalchemy import Text, bindparam, func, select, true
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from services.platform.clock import from_datetime
from services.platform.errors import Unavailable
from services.platform.postgres.connection import CONNECT_TIMEOUT_S, connect
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.platform.postgres.connection_shares import WAIT_S, ConnectionShares
from services.platform.postgres.shrinking_pool import IDLE_S, ShrinkingPool

# Raised by asyncpg if the database is unavailable or the pool exhausted, but not for an invalid statement.
_AWAY: tuple[type[BaseException], ...] = (PoolTimeout, *CONNECTION_ERRORS)
REQUEST_CONNECTIONS = 10
"""The number of connections with which one process serves requests."""
RESERVED_CONNECTIONS = 2
"""The number of these that are reserved for credentials, revocations and background work."""

Prepare = Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[None]]
# PostgreSQL counts microseconds from the year 2000.
POSTGRES_EPOCH_US = from_datetime(datetime(2000, 1, 1, tzinfo=UTC))
# Built once, because it begins every transaction.
_BIND_TO_TENANT = select(func.set_config("app.tenant_id", bindparam("tenant", type_=Text), true()))


class Database:
    """A service's connections, under its role.

    Args:
        url: postgresql://…
        role: the PostgreSQL role to act as; the URL's user must be allowed to.
        size: the maximum number of connections.
        reserved: the number of these that calls of tenants cannot use.
        wait_s: the maximum time that a tenant's call waits for a connection, in seconds.

    Attributes:
        size: as given.
        shares: divides the unreserved connections among tenants.
    """

    def __init__(self, url: str, role: str, size: int = 8, reserved: int = 0, wait_s: float = WAIT_S) -> None:
        self.size = size
        self.shares = ConnectionShares(size - reserved, wait_s)
        self._engine: AsyncEngine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            async_creator=partial(connect, url, role),
            poolclass=ShrinkingPool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_use_lifo=True,
            hide_parameters=True,  # otherwise errors, and so the log, would include the values of statements
        )

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that sees and writes one tenant's rows, for a call of the tenant.

        Raises:
            ResourceExhausted: OVERLOADED: the tenant's own calls use its share of the connections.
            Unavailable: the database is unavailable, or busy with other tenants.
        """
        async with self.shares.holding(tenant_id), self.tenant_in_background(tenant_id) as connection:
            yield connection

    @asynccontextmanager
    async def tenant_in_background(self, tenant_id: UUID) -> AsyncIterator[AsyncConnection]:
        """Begin a tenant's transaction for background work, which does not wait for the tenant's calls.

        Raises:
            Unavailable: the database is unavailable.
        """
        async with self.untenanted() as connection:
            await connection.execute(_BIND_TO_TENANT, {"tenant": str(tenant_id)})
            yield connection

    @asynccontextmanager
    async def untenanted(self) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that sees no tenant's rows.

        Raises:
            Unavailable: the database is unavailable.
        """
        try:
            async with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if error.connection_invalidated or _is_connection_error(error.orig):
                raise Unavailable from error
            raise
        except _AWAY as error:
            raise Unavailable from error

    @property
    def in_use(self) -> int:
        """The number of connections in use; may be read from any thread."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def driver_of(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    """Return the driver's connection inside the present transaction, for statements with many rows."""
    raw = await connection.get_raw_connection()
    driver: asyncpg.Connection[asyncpg.Record] | None = raw.driver_connection
    if driver is None:
        raise RuntimeError("a connection in use must have a driver connection")
    return driver


def _is_connection_error(error: BaseException | None) -> bool:
    """Return whether an error was caused by the connection; SQLAlchemy wraps the driver's error once or twice."""
    while error is not None:
        if isinstance(error, CONNECTION_ERRORS):
            return True
        error = error.__cause__
    return False


async def create_pool(
    url: str, role: str, size: int, *, times_in_us: bool = False, prepare: Prepare | None = None
) -> "asyncpg.Pool[asyncpg.Record]":
    """Create a raw asyncpg pool under a role, for hot paths; it opens connections on demand.

    Args:
        url: postgresql://…
        role: the PostgreSQL role to act as.
        size: the maximum number of connections.
        times_in_us: whether times are integer microseconds instead of datetimes, which cost four times as much.
        prepare: called with each new connection before its first use.
    """

    async def begin(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        if prepare is not None:
            await prepare(connection)
        if times_in_us:
            await _times_in_us(connection)

    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        max_inactive_connection_lifetime=IDLE_S,
        connect=_under(url, role),
        # Nothing is ever set beyond a transaction, so there is nothing to reset.
        reset=_nothing,
        init=begin,
    )


async def _times_in_us(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda time_us: (time_us - POSTGRES_EPOCH_US,),
        decoder=lambda wire: wire[0] + POSTGRES_EPOCH_US,
    )


def in_use(pool: "asyncpg.Pool[asyncpg.Record]") -> int:
    """Return the number of connections of a raw pool in use; may be called from any thread."""
    return pool.get_size() - pool.get_idle_size()


def _under(url: str, role: str) -> Any:  # noqa: ANN401 — its stubs require each argument, of which none is needed
    async def open_one(*_arguments: object, **_of_the_pool: object) -> "asyncpg.Connection[asyncpg.Record]":
        return await connect(url, role)

    return open_one


async def _nothing(_connection: object) -> None: ...


@asynccontextmanager
async def tenant_transaction(
    pool: "asyncpg.Pool[asyncpg.Record]",
    tenant_id: UUID,
    isolation: Literal["read_committed", "repeatable_read"] = "read_committed",
) -> "AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]":
    """Begin a transaction that sees and writes one tenant's rows, on a raw pool.

    Args:
        pool: a pool under a service's role.
        tenant_id: the tenant.
        isolation: with repeatable_read all statements see one snapshot.

    Raises:
        Unavailable: the database is unavailable.
    """
    try:
        async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection, connection.transaction(isolation=isolation):
            await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(tenant_id))
            yield connection
    except CONNECTION_ERRORS as error:
        raise Unavailable from error


def constraint_of(error: Any) -> str:  # noqa: ANN401 — SQLAlchemy wraps whatever the driver raised
    """Return the name of the constraint that an IntegrityError of SQLAlchemy violates; empty if unknown."""
    cause = error.orig.__cause__
    return str(getattr(cause, "constraint_name", "") or "")
