"""What the store's parts share: the ways to the database, and how rows become what auth is about."""

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
    """A part of the store.

    Args:
        database: under the role sentinel_auth.
        pool: raw connections under the same role, for what is asked most.
    """

    def __init__(self, database: Database, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._database = database
        self._pool = pool


def tenant_of(row: Row[Any]) -> Tenant:
    """The tenant in a row of tenants, whose id may be called tenant_id."""
    return Tenant(row.tenant_id, row.slug, row.name, from_datetime(row.tenant_create_time))


def user_of(row: Row[Any]) -> User:
    """The user in a row of users."""
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
    """A nullable point in time."""
    return None if value is None else from_datetime(value)


def the_tenant(tenant_id: UUID) -> Select[Any]:
    """A tenant, and why it is suspended if it is."""
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
    """The rows of a page and one more, by a key that is a UUIDv7, and how many there are in all."""
    total = (await connection.execute(select(func.count()).select_from(every.subquery()))).scalar_one()
    if page.after is not None:
        every = every.where(key < page.after if newest_first else key > page.after)
    rows = await connection.execute(every.order_by(key.desc() if newest_first else key).limit(page.size + 1))
    return list(rows), total


async def end_sessions(connection: AsyncConnection, tenant_id: UUID, now: int, which: ColumnElement[bool]) -> int:
    """End those sessions of a tenant that go on and meet a condition; answers how many."""
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
    """Tell every service that what credentials are worth has changed, as soon as this transaction commits."""
    # By the database's clock: of two changes the later one counts, whichever replica made it.
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
