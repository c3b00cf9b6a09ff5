"""All SQL of auth. The tenant is the first argument of whatever is tenant-owned, and is set for the policies too."""

from typing import Any
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.auth.model import Tenant, User
from services.auth.sessions import Presented
from services.auth.signing import SigningKey
from services.common.clock import from_datetime, to_datetime
from services.common.database import Database, constraint_of
from services.common.ended_sessions import CHANNEL
from services.common.errors import AlreadyExists
from services.common.principal import Role
from services.common.tables import refresh_tokens, sessions, signing_keys, tenants, users


class AuthStore:
    """Tenants, users, sessions and keys in PostgreSQL.

    Args:
        database: under the role sentinel_auth.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish_key(self, key: SigningKey, now: int) -> None:
        """Let every service verify what this key signs."""
        row = {"kid": key.kid, "public_key": key.public, "create_time": to_datetime(now)}
        async with self._database.untenanted() as connection:
            await connection.execute(upsert(signing_keys).values(row).on_conflict_do_nothing())

    async def create_tenant(self, tenant: Tenant, admin: User, password_hash: str) -> None:
        """Record a tenant and its first administrator.

        Raises:
            AlreadyExists: TENANT_SLUG_TAKEN.
        """
        try:
            async with self._database.tenant(tenant.id) as connection:
                await connection.execute(
                    insert(tenants).values(
                        id=tenant.id, slug=tenant.slug, name=tenant.name, create_time=to_datetime(tenant.create_us)
                    )
                )
                await connection.execute(
                    insert(users).values(
                        tenant_id=tenant.id,
                        id=admin.id,
                        email=admin.email,
                        display_name=admin.display_name,
                        role=int(admin.role),
                        password_hash=password_hash,
                        create_time=to_datetime(admin.create_us),
                    )
                )
        except IntegrityError as error:
            if constraint_of(error) != "tenants_slug":
                raise
            raise AlreadyExists(reasons.ERROR_REASON_TENANT_SLUG_TAKEN, "another tenant has this slug") from error

    async def find_login(self, slug: str, email: str) -> tuple[Tenant, User, str] | None:
        """A tenant, its user and the user's password hash; None if there is no such pair."""
        async with self._database.untenanted() as connection:
            tenant_id: UUID | None = (await connection.execute(select(func.tenant_of_slug(slug)))).scalar_one()
        if tenant_id is None:
            return None
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(_user_and_tenant(tenant_id).where(users.c.email == email))).one_or_none()
        return (_tenant(row), _user(row), row.password_hash) if row else None

    async def find_user(self, tenant_id: UUID, user_id: UUID) -> tuple[Tenant, User] | None:
        """A user and the tenant; None if the user is gone."""
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(_user_and_tenant(tenant_id).where(users.c.id == user_id))).one_or_none()
        return (_tenant(row), _user(row)) if row else None

    async def start_session(
        self, tenant_id: UUID, session_id: UUID, user_id: UUID, token_hash: bytes, now: int, expire: int
    ) -> None:
        """Record a new session with its first refresh token."""
        async with self._database.tenant(tenant_id) as connection:
            await connection.execute(
                insert(sessions).values(
                    tenant_id=tenant_id,
                    id=session_id,
                    user_id=user_id,
                    create_time=to_datetime(now),
                    expire_time=to_datetime(expire),
                )
            )
            await _add_token(connection, tenant_id, session_id, token_hash, now)

    async def rotate(
        self, tenant_id: UUID, spent_hash: bytes, next_hash: bytes, now: int, expire: int
    ) -> tuple[Presented, UUID | None, User | None]:
        """Spend one refresh token for the next; a spent one ends its session.

        The session's row is locked, so that of two who present the same token at once one comes second.
        """
        async with self._database.tenant(tenant_id) as connection:
            row = (
                await connection.execute(
                    select(sessions.c.id, sessions.c.user_id, sessions.c.end_time, sessions.c.expire_time)
                    .join(
                        refresh_tokens,
                        (refresh_tokens.c.tenant_id == sessions.c.tenant_id)
                        & (refresh_tokens.c.session_id == sessions.c.id),
                    )
                    .where(refresh_tokens.c.tenant_id == tenant_id, refresh_tokens.c.token_hash == spent_hash)
                    .with_for_update(of=sessions)
                )
            ).one_or_none()
            if row is None or row.end_time is not None or from_datetime(row.expire_time) <= now:
                return Presented.UNKNOWN, None, None
            spent = await connection.execute(
                update(refresh_tokens)
                .where(
                    refresh_tokens.c.tenant_id == tenant_id,
                    refresh_tokens.c.token_hash == spent_hash,
                    refresh_tokens.c.spend_time.is_(None),
                )
                .values(spend_time=to_datetime(now))
            )
            if spent.rowcount == 0:
                await _end_session(connection, tenant_id, row.id, now)
                return Presented.SPENT, row.id, None
            await _add_token(connection, tenant_id, row.id, next_hash, now)
            await connection.execute(
                update(sessions)
                .where(sessions.c.tenant_id == tenant_id, sessions.c.id == row.id)
                .values(expire_time=to_datetime(expire))
            )
            user = (await connection.execute(_user_and_tenant(tenant_id).where(users.c.id == row.user_id))).one()
            return Presented.GOOD, row.id, _user(user)

    async def end_session(self, tenant_id: UUID, session_id: UUID, now: int) -> None:
        """End a session, and tell every service."""
        async with self._database.tenant(tenant_id) as connection:
            await _end_session(connection, tenant_id, session_id, now)


def _user_and_tenant(tenant_id: UUID) -> Any:  # noqa: ANN401 — SQLAlchemy's type would name fourteen columns
    return (
        select(users, tenants.c.slug, tenants.c.name, tenants.c.create_time.label("tenant_create_time"))
        .join(tenants, tenants.c.id == users.c.tenant_id)
        .where(users.c.tenant_id == tenant_id)
    )


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(row.tenant_id, row.slug, row.name, from_datetime(row.tenant_create_time))


def _user(row: Row[Any]) -> User:
    created = from_datetime(row.create_time)
    return User(row.tenant_id, row.id, row.email, row.display_name, Role(row.role), created)


async def _add_token(
    connection: AsyncConnection, tenant_id: UUID, session_id: UUID, token_hash: bytes, now: int
) -> None:
    await connection.execute(
        insert(refresh_tokens).values(
            tenant_id=tenant_id, token_hash=token_hash, session_id=session_id, create_time=to_datetime(now)
        )
    )


async def _end_session(connection: AsyncConnection, tenant_id: UUID, session_id: UUID, now: int) -> None:
    await connection.execute(
        update(sessions)
        .where(sessions.c.tenant_id == tenant_id, sessions.c.id == session_id, sessions.c.end_time.is_(None))
        .values(end_time=to_datetime(now))
    )
    await connection.execute(select(func.pg_notify(CHANNEL, str(session_id))))
