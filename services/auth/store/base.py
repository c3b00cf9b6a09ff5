"""Code that the SQL modules share: database access, conversion of rows, paging, revocations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.auth.model import Tenant, User
from services.platform.clock import from_datetime, to_datetime
from services.platform.ids import new_id
from services.platform.paging import PageRequest
from services.platform.postgres.database import Database
from services.platform.postgres.tables import revocations, sessions, tenant_suspensions, tenants
from services.platform.security.principal import Role
from services.platform.security.revocations import CHANNEL, Revocation, Revoked


class Sql:
    """The base of the SQL classes.

    Args:
        database: transactions under the role sentinel_auth.
        pool: raw connections under the same role, for the most frequent query.
    """

    def __init__(self, database: Database, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._database = database
        self._pool = pool


def tenant_of(row: Row[Any]) -> Tenant:
    """Return the tenant in a row; its id is in the column tenant_id."""
    return Tenant(row.tenant_id, row.slug, row.name, from_datetime(row.tenant_create_time))


def user_of(row: Row[Any]) -> User:
    """Return the user in a row."""
    return User(
        tenant_id=row.tenant_id,
        id=row.id,
        email=row.email,
        display_name=row.display_name,
        role=Role(row.role),
        create_us=from_datetime(row.create_time),
        update_us=from_datetime(row.update_time),
        disabled=row.disable_time is not None,
    )


def moment(value: Any) -> int | None:  # noqa: ANN401 — a column's value
    """Return a nullable time in microseconds."""
    return None if value is None else from_datetime(value)


def the_tenant(tenant_id: UUID) -> Select[Any]:
    """Return the query of a tenant and of the reason why it is suspended, if it is."""
    return (
        select(
            tenants.c.id.label("tenant_id"),
            tenants.c.slug,
            tenants.c.name,
            tenants.c.create_time.label("tenant_create_time"),
            tenant_suspensions.c.reason.label("suspend_reason"),
        )
        .outerjoin(
            tenant_suspensions,
            (tenant_suspensions.c.tenant_id == tenants.c.id) & tenant_suspensions.c.end_time.is_(None),
        )
        .where(tenants.c.id == tenant_id)
    )


async def page_of(
    connection: AsyncConnection,
    every: Select[Any],
    key: Any,  # noqa: ANN401 — a column
    page: PageRequest,
    *,
    newest_first: bool = False,
) -> tuple[list[Row[Any]], int]:
    """Return the rows of a page plus one more, ordered by a UUIDv7 key, and the total."""
    total = (await connection.execute(select(func.count()).select_from(every.subquery()))).scalar_one()
    if page.after is not None:
        every = every.where(key < page.after if newest_first else key > page.after)
    rows = await connection.execute(every.order_by(key.desc() if newest_first else key).limit(page.size + 1))
    return list(rows), total


async def end_sessions(connection: AsyncConnection, tenant_id: UUID, now: int, which: ColumnElement[bool]) -> int:
    """End a tenant's open sessions that meet a condition; return how many."""
    rows = await connection.execute(
        update(sessions)
        .where(sessions.c.tenant_id == tenant_id, sessions.c.end_time.is_(None), which)
        .values(end_time=to_datetime(now))
        .returning(sessions.c.id)
    )
    ended = [row.id for row in rows]
    await revoke(connection, tenant_id, Revoked.SESSION, ended)
    return len(ended)


async def revoke(
    connection: AsyncConnection,
    tenant_id: UUID,
    kind: Revoked,
    subjects: Sequence[UUID],
    *,
    role: Role | None = None,
    reason: str = "",
) -> None:
    """Record a change of credentials, and notify every service when this transaction commits."""
    # By the database's clock: the later of two changes counts, whichever replica made it.
    time: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    for subject in subjects:
        await connection.execute(
            insert(revocations).values(
                tenant_id=tenant_id,
                id=new_id(),
                kind=int(kind),
                subject=subject,
                role=role and int(role),
                reason=reason,
                create_time=time,
            )
        )
        payload = Revocation(kind=kind, subject=subject, time=time, role=role, reason=reason).payload()
        await connection.execute(select(func.pg_notify(CHANNEL, payload)))
