"""SQL that every service uses: published keys, revocations, API keys, shared secrets, the audit log."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, column, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.clock import from_datetime, now_us, to_datetime
from services.platform.ids import new_id
from services.platform.postgres.database import Database
from services.platform.postgres.tables import audit_log, secrets, signing_keys
from services.platform.security.api_keys import IssuedKey
from services.platform.security.audit import Actor, Change
from services.platform.security.principal import Role
from services.platform.security.revocations import Revocation, Revoked


class CommonStore:
    """SQL of data that belongs to no tenant.

    Args:
        database: transactions under the role of any service.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def public_keys(self) -> dict[str, bytes]:
        """Return the raw Ed25519 public keys that are not retired, by key id."""
        query = select(signing_keys.c.kid, signing_keys.c.public_key).where(
            or_(signing_keys.c.retire_time.is_(None), signing_keys.c.retire_time > to_datetime(now_us()))
        )
        async with self._database.untenanted() as connection:
            return {row.kid: bytes(row.public_key) for row in await connection.execute(query)}

    async def revoked_since(self, moment: datetime) -> Sequence[Revocation]:
        """Return the revocations of all tenants at or after a time, in order."""
        names = ("kind", "subject", "role", "reason", "create_time")
        revoked = func.revoked_since(moment).table_valued(*(column(name) for name in names))
        async with self._database.untenanted() as connection:
            return [
                Revocation(
                    kind=Revoked(row.kind),
                    subject=row.subject,
                    time=row.create_time,
                    role=Role(row.role) if row.role else None,
                    reason=row.reason,
                )
                for row in await connection.execute(select(revoked))
            ]

    async def find_api_key(self, key_hash: bytes) -> IssuedKey | None:
        """Return the API key with this hash, of any tenant; None if there is none."""
        names = ("tenant_id", "id", "role", "expire_time", "suspend_reason")
        found = func.api_key_of_hash(key_hash).table_valued(*(column(name) for name in names))
        async with self._database.untenanted() as connection:
            row = (await connection.execute(select(found))).one_or_none()
        if row is None:
            return None
        expire = from_datetime(row.expire_time) if row.expire_time else None
        return IssuedKey(
            tenant_id=row.tenant_id, id=row.id, role=Role(row.role), expire_us=expire, suspend_reason=row.suspend_reason
        )

    async def record_key_use(self, credentials: Sequence[tuple[UUID, UUID]]) -> None:
        """Record that credentials were just used: pairs of a tenant and a session or an API key."""

        def ids(position: int) -> object:
            return cast([pair[position] for pair in credentials], ARRAY(Uuid))

        async with self._database.untenanted() as connection:
            await connection.execute(select(func.credentials_used(ids(0), ids(1))))

    async def slug_of_tenant(self, tenant_id: UUID) -> str:
        """Return a tenant's slug; empty if there is no such tenant. Only monitor and worker may call it.

        Raises:
            Unavailable: the database is unavailable.
        """
        async with self._database.untenanted() as connection:
            slug: str | None = (await connection.execute(select(func.slug_of_tenant(tenant_id)))).scalar_one()
            return slug or ""

    async def secret(self, name: str) -> bytes:
        """Return a secret that all replicas share."""
        async with self._database.untenanted() as connection:
            value = await connection.execute(select(secrets.c.value).where(secrets.c.name == name))
            return bytes(value.scalar_one())


async def write_audit(connection: AsyncConnection, actor: Actor, change: Change) -> None:
    """Insert an audit entry, in the transaction of the change."""
    await connection.execute(
        insert(audit_log).values(
            tenant_id=actor.tenant_id,
            id=new_id(),
            create_time=to_datetime(now_us()),
            actor_kind=int(actor.kind),
            actor_id=actor.id,
            actor_name=func.coalesce(func.name_of_actor(actor.id), ""),
            address=actor.origin.address,
            client=actor.origin.client,
            request_id=actor.origin.request_id,
            action=change.action,
            resource_id=change.resource_id,
            before=change.before,
            after=change.after,
        )
    )
