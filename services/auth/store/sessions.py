"""SQL of sessions and their refresh tokens."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, column, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.auth.model import Session
from services.auth.sessions import REPEAT_US, Login, RefreshTokenState, Rotation
from services.auth.store.base import Sql, end_sessions, tenant_of, the_tenant, user_of
from services.platform.clock import from_datetime, to_datetime
from services.platform.postgres.common_store import write_audit
from services.platform.postgres.tables import refresh_tokens, sessions, users
from services.platform.security.audit import Actor, Change, user_actor
from services.platform.security.origin import Origin

_LOGIN = (
    "tenant_id", "slug", "name", "tenant_create_time", "id", "email", "display_name", "role", "create_time",
    "update_time", "disable_time", "password_hash", "address_is_known", "suspend_reason",
)  # fmt: skip


class SessionSql(Sql):
    """Sessions in PostgreSQL; times are in microseconds."""

    async def find_login(self, slug: str, email: str, address: str) -> Login | None:
        """Return the data that decides a login, by one query whether the user exists or not."""
        found = func.login_of(slug, email, address).table_valued(*(column(name) for name in _LOGIN))
        async with self._database.untenanted() as connection:
            row = (await connection.execute(select(found))).one_or_none()
        if row is None:
            return None
        return Login(
            tenant=tenant_of(row),
            user=user_of(row),
            password_hash=row.password_hash,
            address_is_known=row.address_is_known,
            suspend_reason=row.suspend_reason,
        )

    async def start_session(
        self,
        actor: Actor,
        session_id: UUID,
        user_id: UUID,
        password_hash: str,
        token_hash: bytes,
        now: int,
        expire: int,
    ) -> bool:
        """Insert a session with its first refresh token; return False if the user was disabled or the hash changed."""
        tenant_id = actor.tenant_id
        unchanged = select(users.c.id).where(
            users.c.tenant_id == tenant_id,
            users.c.id == user_id,
            users.c.password_hash == password_hash,
            users.c.disable_time.is_(None),
        )
        async with self._database.tenant(tenant_id) as connection:
            # The lock makes a transaction that disables the user wait, and then see this session.
            if (await connection.execute(unchanged.with_for_update(read=True))).one_or_none() is None:
                return False
            await connection.execute(
                insert(sessions).values(
                    tenant_id=tenant_id,
                    id=session_id,
                    user_id=user_id,
                    create_time=to_datetime(now),
                    last_use_time=to_datetime(now),
                    expire_time=to_datetime(expire),
                    client=actor.origin.client,
                    address=actor.origin.address,
                )
            )
            await _add_token(connection, tenant_id, session_id, token_hash, now)
            await write_audit(connection, actor, Change("session.start", session_id))
        return True

    async def rotate(
        self, origin: Origin, tenant_id: UUID, presented: bytes, successor: bytes, now: int, expire: int
    ) -> Rotation:
        """Spend one refresh token for its successor; both are hashes."""
        async with self._database.tenant(tenant_id) as connection:
            tokens = await _tokens(connection, tenant_id, presented, successor)
            if presented not in tokens:
                return Rotation(RefreshTokenState.UNKNOWN)
            session_id = tokens[presented].session_id
            # Locked, so that the second of two concurrent calls waits, and reads the tokens again.
            session = await _lock_session(connection, tenant_id, session_id)
            if session is None or session.end_time is not None or from_datetime(session.expire_time) <= now:
                return Rotation(RefreshTokenState.UNKNOWN)
            reason = (await connection.execute(the_tenant(tenant_id))).one().suspend_reason
            if reason is not None:
                return Rotation(RefreshTokenState.SUSPENDED, session_id, reason=reason)
            actor = user_actor(tenant_id, session.user_id, origin)
            tokens = await _tokens(connection, tenant_id, presented, successor)
            spent = tokens[presented].spend_time
            if spent is None:
                await _mark_spent(connection, tenant_id, session_id, presented, successor, now)
                await _extend_session(connection, actor, session_id, now, expire)
            elif not _may_repeat(tokens.get(successor), from_datetime(spent), now):
                await end_sessions(connection, tenant_id, now, sessions.c.id == session_id)
                await write_audit(connection, actor, Change("session.reuse", session_id))
                return Rotation(RefreshTokenState.SPENT, session_id)
            query = select(users).where(users.c.tenant_id == tenant_id, users.c.id == session.user_id)
            return Rotation(RefreshTokenState.GOOD, session_id, user_of((await connection.execute(query)).one()))

    async def end_session(self, actor: Actor, user_id: UUID, session_id: UUID, now: int) -> bool:
        """End an open session of a user and notify every service; return False if there is none of this id."""
        async with self._database.tenant(actor.tenant_id) as connection:
            which = and_(
                sessions.c.id == session_id, sessions.c.user_id == user_id, sessions.c.expire_time > to_datetime(now)
            )
            if not await end_sessions(connection, actor.tenant_id, now, which):
                return False
            await write_audit(connection, actor, Change("session.end", session_id))
        return True

    async def end_other_sessions(self, actor: Actor, user_id: UUID, but: UUID, now: int) -> int:
        """End all sessions of a user except one; return how many."""
        async with self._database.tenant(actor.tenant_id) as connection:
            others = and_(sessions.c.user_id == user_id, sessions.c.id != but)
            ended = await end_sessions(connection, actor.tenant_id, now, others)
            await write_audit(connection, actor, Change("session.end_others", user_id, after={"endedSessions": ended}))
        return ended

    async def list_sessions(self, tenant_id: UUID, user_id: UUID, now: int, most: int) -> Sequence[Session]:
        """Return a user's open sessions, newest first."""
        query = (
            select(sessions)
            .where(
                sessions.c.tenant_id == tenant_id,
                sessions.c.user_id == user_id,
                sessions.c.end_time.is_(None),
                sessions.c.expire_time > to_datetime(now),
            )
            .order_by(sessions.c.id.desc())
            .limit(most)
        )
        async with self._database.tenant(tenant_id) as connection:
            return [
                Session(
                    id=row.id,
                    create_us=from_datetime(row.create_time),
                    last_use_us=from_datetime(row.last_use_time),
                    expire_us=from_datetime(row.expire_time),
                    client=row.client,
                    address=row.address,
                )
                for row in await connection.execute(query)
            ]


def _may_repeat(successor: Any, spent_us: int, now: int) -> bool:  # noqa: ANN401 — a row, or None
    """Return whether a spent token may return its successor again: soon after, and while that one is unspent."""
    return successor is not None and successor.spend_time is None and now - spent_us <= REPEAT_US


async def _tokens(connection: AsyncConnection, tenant_id: UUID, *hashes: bytes) -> dict[bytes, Any]:
    query = select(refresh_tokens).where(
        refresh_tokens.c.tenant_id == tenant_id, refresh_tokens.c.token_hash.in_(hashes)
    )
    return {bytes(row.token_hash): row for row in await connection.execute(query)}


async def _lock_session(connection: AsyncConnection, tenant_id: UUID, session_id: UUID) -> Any:  # noqa: ANN401 — a row, or None
    query = select(sessions).where(sessions.c.tenant_id == tenant_id, sessions.c.id == session_id)
    return (await connection.execute(query.with_for_update())).one_or_none()


async def _mark_spent(
    connection: AsyncConnection, tenant_id: UUID, session_id: UUID, presented: bytes, successor: bytes, now: int
) -> None:
    await connection.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.tenant_id == tenant_id, refresh_tokens.c.token_hash == presented)
        .values(spend_time=to_datetime(now))
    )
    await _add_token(connection, tenant_id, session_id, successor, now)


async def _extend_session(connection: AsyncConnection, actor: Actor, session_id: UUID, now: int, expire: int) -> None:
    await connection.execute(
        update(sessions)
        .where(sessions.c.tenant_id == actor.tenant_id, sessions.c.id == session_id)
        .values(
            expire_time=to_datetime(expire),
            last_use_time=to_datetime(now),
            client=actor.origin.client,
            address=actor.origin.address,
        )
    )
    await write_audit(connection, actor, Change("session.refresh", session_id))


async def _add_token(
    connection: AsyncConnection, tenant_id: UUID, session_id: UUID, token_hash: bytes, now: int
) -> None:
    await connection.execute(
        insert(refresh_tokens).values(
            tenant_id=tenant_id, token_hash=token_hash, session_id=session_id, create_time=to_datetime(now)
        )
    )
