"""The way to PostgreSQL: one pool per service, under that service's role, and transactions bound to a tenant.

Row-level security is the second wall (architecture.md § Trust): a service connects as a role that owns nothing, and
a policy on each tenant-owned table compares tenant_id with app.tenant_id, which a transaction sets. A query that
forgets its tenant returns nothing.
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

# What a lost, refused or exhausted database raises in asyncpg, as opposed to a statement that is wrong.
_AWAY: tuple[type[BaseException], ...] = (PoolTimeout, *CONNECTION_ERRORS)
REQUEST_CONNECTIONS = 10
"""How many connections one process has to serve requests with."""
RESERVED_CONNECTIONS = 2
"""How many of them are for what belongs to no tenant's call: credentials, revocations, background work."""

Prepare = Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[None]]
# PostgreSQL counts microseconds from the year 2000.
POSTGRES_EPOCH_US = from_datetime(datetime(2000, 1, 1, tzinfo=UTC))
# Made once: it begins every transaction.
_BIND_TO_TENANT = select(func.set_config("app.tenant_id", bindparam("tenant", type_=Text), true()))


class Database:
    """A service's connections, under its role.

    Args:
        url: postgresql://…
        role: the PostgreSQL role to act as; the URL's user must be allowed to.
        size: how many connections at the most.
        reserved: how many of them the calls of tenants cannot use.
        wait_s: how long a call of a tenant waits for a connection.

    Attributes:
        size: as given.
        shares: divide the others among tenants.
    """

    def __init__(self, url: str, role: str, size: int = 8, reserved: int = 0, wait_s: float = WAIT_S) -> None:
        self.size = size
        self.shares = ConnectionShares(size - reserved, wait_s)
        self._engine: AsyncEngine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            async_creator=partial(connect, url, role),
            pool_size=size,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_use_lifo=True,
            hide_parameters=True,  # else an error's text, and so the log, would show what a statement writes
        )

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that sees and writes one tenant's rows, for one of its calls.

        Raises:
            ResourceExhausted: OVERLOADED: the tenant's own calls use its share of the connections.
            Unavailable: the database is away, or busy with other tenants.
        """
        async with self.shares.holding(tenant_id), self.tenant_in_background(tenant_id) as connection:
            yield connection

    @asynccontextmanager
    async def tenant_in_background(self, tenant_id: UUID) -> AsyncIterator[AsyncConnection]:
        """Begin such a transaction for background work, which its tenant's calls must not hold up.

        Raises:
            Unavailable: the database is away.
        """
        async with self.untenanted() as connection:
            await connection.execute(_BIND_TO_TENANT, {"tenant": str(tenant_id)})
            yield connection

    @asynccontextmanager
    async def untenanted(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees no tenant's rows: for what belongs to no tenant.

        Raises:
            Unavailable: the database is away.
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
        """How many connections somebody holds; may be asked from any thread."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def driver_of(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    """The driver's own connection, inside the transaction that goes on: for the few statements that many rows go by."""
    raw = await connection.get_raw_connection()
    driver: asyncpg.Connection[asyncpg.Record] | None = raw.driver_connection
    if driver is None:
        raise RuntimeError("a connection in use must have a driver connection")
    return driver


def _is_connection_error(error: BaseException | None) -> bool:
    """SQLAlchemy wraps the driver's error once or twice; the driver's own is the cause."""
    while error is not None:
        if isinstance(error, CONNECTION_ERRORS):
            return True
        error = error.__cause__
    return False


async def create_pool(
    url: str, role: str, size: int, *, times_in_us: bool = False, prepare: Prepare | None = None
) -> "asyncpg.Pool[asyncpg.Record]":
    """A raw asyncpg pool under a role, for hot paths; connections are made as they are needed.

    Args:
        url: postgresql://…
        role: the PostgreSQL role to act as.
        size: how many connections at the most.
        times_in_us: points in time come and go as the domain holds them, integer microseconds, instead of as datetimes,
            which cost four times as much.
        prepare: what to do with each new connection before its first use.
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
        connect=_under(url, role),
        # Nothing is ever set beyond a transaction, so there is nothing to reset between two uses.
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
    """How many of a raw pool's connections somebody holds; may be asked from any thread."""
    return pool.get_size() - pool.get_idle_size()


def _under(url: str, role: str) -> Any:  # noqa: ANN401 — its stubs want each argument, of which none is needed
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
    """Database.tenant for raw pools.

    Args:
        pool: under a service's role.
        tenant_id: whose rows it sees.
        isolation: with repeatable_read all its statements see one moment.

    Raises:
        Unavailable: the database is away.
    """
    try:
        async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection, connection.transaction(isolation=isolation):
            await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(tenant_id))
            yield connection
    except CONNECTION_ERRORS as error:
        raise Unavailable from error


def constraint_of(error: Any) -> str:  # noqa: ANN401 — SQLAlchemy wraps whatever the driver raised
    """The name of the constraint that an IntegrityError of SQLAlchemy breaks."""
    cause = error.orig.__cause__
    return str(getattr(cause, "constraint_name", "") or "")
