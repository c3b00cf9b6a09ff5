"""Tenants: registering one, suspending one."""

from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from services.auth.model import Tenant, User
from services.auth.store.base import Sql, revoke
from services.auth.store.users import insert_user
from services.common import check_changes
from services.common.audit import Actor, Change
from services.common.clock import to_datetime
from services.common.database import constraint_of
from services.common.errors import AlreadyExists
from services.common.revocations import Revoked
from services.common.store import write_audit
from services.common.tables import tenant_suspensions, tenants


class TenantSql(Sql):
    """Tenants in PostgreSQL."""

    async def create_tenant(self, actor: Actor, tenant: Tenant, admin: User, password_hash: str) -> None:
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
                await insert_user(connection, admin, password_hash)
                after = {"name": tenant.name, "slug": tenant.slug, "admin": admin.audited()}
                await write_audit(connection, actor, Change("tenant.register", tenant.id, after=after))
        except IntegrityError as error:
            if constraint_of(error) != "tenants_slug":
                raise
            raise AlreadyExists(reasons.ERROR_REASON_TENANT_SLUG_TAKEN, "another tenant has this slug") from error

    async def tenant_of_slug(self, slug: str) -> UUID | None:
        """A tenant's id."""
        async with self._database.untenanted() as connection:
            found: UUID | None = (await connection.execute(select(func.tenant_of_slug(slug)))).scalar_one()
            return found

    async def suspend(self, actor: Actor, reason: str, now: int) -> bool:
        """Suspend the actor's tenant and tell every service and worker; False if it is suspended already."""
        at = to_datetime(now)
        async with self._database.tenant(actor.tenant_id) as connection:
            made = await connection.execute(
                upsert(tenant_suspensions)
                .values(tenant_id=actor.tenant_id, start_time=at, reason=reason)
                .on_conflict_do_nothing()
            )
            if made.rowcount == 0:
                return False
            await revoke(connection, actor.tenant_id, Revoked.SUSPENDED, [actor.tenant_id], reason=reason)
            await connection.execute(select(func.pg_notify(check_changes.TENANT_CHANNEL, str(actor.tenant_id))))
            await write_audit(connection, actor, Change("tenant.suspend", actor.tenant_id, after={"reason": reason}))
        return True

    async def resume(self, actor: Actor, now: int) -> bool:
        """Let the actor's tenant go on and tell every service and worker; False if it is not suspended."""
        at = to_datetime(now)
        async with self._database.tenant(actor.tenant_id) as connection:
            ended = await connection.execute(
                update(tenant_suspensions)
                .where(tenant_suspensions.c.tenant_id == actor.tenant_id, tenant_suspensions.c.end_time.is_(None))
                .values(end_time=at)
                .returning(tenant_suspensions.c.reason)
            )
            reason = ended.scalar_one_or_none()
            if reason is None:
                return False
            await revoke(connection, actor.tenant_id, Revoked.RESUMED, [actor.tenant_id])
            await connection.execute(select(func.pg_notify(check_changes.TENANT_CHANNEL, str(actor.tenant_id))))
            await write_audit(connection, actor, Change("tenant.resume", actor.tenant_id, before={"reason": reason}))
        return True
