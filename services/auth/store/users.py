"""SQL of users and their passwords."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.auth.model import Tenant, User
from services.auth.store.base import Sql, end_sessions, page_of, revoke, tenant_of, user_of
from services.auth.team import Decide, UserFilter, user_not_found
from services.platform.clock import now_us, to_datetime
from services.platform.errors import Unavailable
from services.platform.paging import PageRequest
from services.platform.postgres.common_store import write_audit
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.platform.postgres.tables import sessions, users
from services.platform.security.audit import Actor, Change
from services.platform.security.principal import Role
from services.platform.security.revocations import Revoked

_ACQUIRE_S = 5.0


class UserSql(Sql):
    """Users in PostgreSQL."""

    async def find_user(self, tenant_id: UUID, user_id: UUID) -> tuple[Tenant, User] | None:
        """Return a user and the tenant; None if the user does not exist."""
        try:
            async with self._pool.acquire(timeout=_ACQUIRE_S) as connection:
                record = await connection.fetchrow("SELECT * FROM user_and_tenant($1, $2)", tenant_id, user_id)
        except CONNECTION_ERRORS as error:
            raise Unavailable from error
        if record is None:
            return None
        row: Any = SimpleNamespace(**record)  # by attribute, like a row of SQLAlchemy
        return tenant_of(row), user_of(row)

    async def list_users(self, tenant_id: UUID, wanted: UserFilter, page: PageRequest) -> tuple[Sequence[User], int]:
        """Return a page of users plus one more, oldest first, and the total."""
        every = select(users).where(users.c.tenant_id == tenant_id)
        if wanted.role is not None:
            every = every.where(users.c.role == int(wanted.role))
        if wanted.disabled is not None:
            every = every.where(users.c.disable_time.is_not(None) == wanted.disabled)
        async with self._database.tenant(tenant_id) as connection:
            rows, total = await page_of(connection, every, users.c.id, page)
        return [user_of(row) for row in rows], total

    async def change_user(self, actor: Actor, user_id: UUID, decide: Decide) -> User | None:
        """Apply the change that `decide` returns to a user, under the team's lock; return the user, or None if deleted.

        End all sessions of a user who is disabled or deleted; notify every service of a new role.

        Raises:
            NotFound: USER_NOT_FOUND.
        """
        tenant_id = actor.tenant_id
        async with self._database.tenant(tenant_id) as connection:
            await lock_team(connection, tenant_id)
            row = (await connection.execute(_the_user(tenant_id, user_id).with_for_update())).one_or_none()
            if row is None:
                raise user_not_found()
            before = user_of(row)
            after = decide(before, await _count_other_admins(connection, before))
            if after is None:
                await _delete(connection, actor, before)
            elif after != before:
                await _update(connection, actor, before, after)
        return after

    async def password_hash(self, tenant_id: UUID, user_id: UUID) -> str | None:
        """Return a user's password hash, or None."""
        query = select(users.c.password_hash).where(users.c.tenant_id == tenant_id, users.c.id == user_id)
        async with self._database.tenant(tenant_id) as connection:
            found: str | None = (await connection.execute(query)).scalar_one_or_none()
            return found

    async def change_password(
        self, actor: Actor, user_id: UUID, former_hash: str, new_hash: str, but: UUID, now: int
    ) -> bool:
        """Replace a user's hash and end all sessions but one; return False if the former hash no longer matches."""
        async with self._database.tenant(actor.tenant_id) as connection:
            changed = await connection.execute(
                update(users)
                .where(
                    users.c.tenant_id == actor.tenant_id,
                    users.c.id == user_id,
                    users.c.password_hash == former_hash,
                    users.c.disable_time.is_(None),
                )
                .values(password_hash=new_hash, update_time=to_datetime(now))
            )
            if changed.rowcount == 0:
                return False
            others = and_(sessions.c.user_id == user_id, sessions.c.id != but)
            ended = await end_sessions(connection, actor.tenant_id, now, others)
            await write_audit(
                connection, actor, Change("user.change_password", user_id, after={"endedSessions": ended})
            )
        return True

    async def reset_password(self, actor: Actor, email: str, new_hash: str, now: int) -> bool:
        """Replace the password hash of the user with this email and end the sessions; return False if there is none."""
        tenant_id = actor.tenant_id
        async with self._database.tenant(tenant_id) as connection:
            changed = await connection.execute(
                update(users)
                .where(users.c.tenant_id == tenant_id, users.c.email == email)
                .values(password_hash=new_hash, update_time=to_datetime(now))
                .returning(users.c.id)
            )
            user_id = changed.scalar_one_or_none()
            if user_id is None:
                return False
            ended = await end_sessions(connection, tenant_id, now, sessions.c.user_id == user_id)
            change = Change("user.reset_password", user_id, after={"email": email, "endedSessions": ended})
            await write_audit(connection, actor, change)
        return True


async def lock_team(connection: AsyncConnection, tenant_id: UUID) -> None:
    """Lock a tenant's team until the transaction ends, so that no two remove the last two administrators."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"team {tenant_id}", 0))))


async def insert_user(connection: AsyncConnection, user: User, password_hash: str) -> None:
    """Insert a user."""
    await connection.execute(
        insert(users).values(
            tenant_id=user.tenant_id,
            id=user.id,
            email=user.email,
            display_name=user.display_name,
            role=int(user.role),
            password_hash=password_hash,
            create_time=to_datetime(user.create_us),
            update_time=to_datetime(user.update_us),
        )
    )


def _the_user(tenant_id: UUID, user_id: UUID) -> Select[Any]:
    return select(users).where(users.c.tenant_id == tenant_id, users.c.id == user_id)


async def _count_other_admins(connection: AsyncConnection, user: User) -> int:
    others = select(func.count()).where(
        users.c.tenant_id == user.tenant_id,
        users.c.id != user.id,
        users.c.role == int(Role.ADMIN),
        users.c.disable_time.is_(None),
    )
    return (await connection.execute(others)).scalar_one()


async def _update(connection: AsyncConnection, actor: Actor, before: User, after: User) -> None:
    at = to_datetime(after.update_us)
    await connection.execute(
        update(users)
        .where(users.c.tenant_id == before.tenant_id, users.c.id == before.id)
        .values(
            display_name=after.display_name,
            role=int(after.role),
            update_time=at,
            **({} if after.disabled == before.disabled else {"disable_time": at if after.disabled else None}),
        )
    )
    if after.disabled and not before.disabled:
        await end_sessions(connection, before.tenant_id, after.update_us, sessions.c.user_id == before.id)
    if after.role is not before.role:
        await revoke(connection, before.tenant_id, Revoked.ROLE, [before.id], role=after.role)
    change = Change("user.update", before.id, before.audited(), after.audited())
    await write_audit(connection, actor, change)


async def _delete(connection: AsyncConnection, actor: Actor, user: User) -> None:
    await end_sessions(connection, user.tenant_id, now_us(), sessions.c.user_id == user.id)
    # The audit entry first, so that it has the name of a user who deletes their own account.
    await write_audit(connection, actor, Change("user.delete", user.id, before=user.audited()))
    await connection.execute(delete(users).where(users.c.tenant_id == user.tenant_id, users.c.id == user.id))
