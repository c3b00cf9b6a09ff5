"""SQL of tenants: register, suspend, resume."""

from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from services.auth.model import Tenant, User
from services.auth.store.base import Sql, revoke
from services.auth.store.users import insert_user
from services.auth.tenant_invitations import TenantInvitation
from services.checks import check_changes
from services.platform.clock import to_datetime
from services.platform.errors import AlreadyExists
from services.platform.postgres.common_store import write_audit
from services.platform.postgres.database import constraint_of
from services.platform.postgres.tables import tenant_invitations, tenant_suspensions, tenants
from services.platform.security.audit import Actor, Change
from services.platform.security.revocations import Revoked


def _valid_invitation(token_hash: bytes, now: int) -> ColumnElement[bool]:
    """Return the condition for an unexpired invitation with this token."""
    return (tenant_invitations.c.token_hash == token_hash) & (tenant_invitations.c.expire_time > to_datetime(now))


class TenantSql(Sql):
    """Tenants in PostgreSQL."""

    async def create_tenant(
        self, actor: Actor, tenant: Tenant, admin: User, password_hash: str, invitation_hash: bytes | None = None
    ) -> bool:
        """Insert a tenant and its first administrator, and use up the invitation; return False if that is not valid.

        Raises:
            AlreadyExists: TENANT_SLUG_TAKEN; the invitation remains valid.
        """
        invited: dict[str, object] = {}
        try:
            async with self._database.tenant(tenant.id) as connection:
                if invitation_hash is not None:
                    used = await connection.execute(
                        delete(tenant_invitations)
                        .where(_valid_invitation(invitation_hash, tenant.create_us))
                        .returning(tenant_invitations.c.id)
                    )
                    invitation_id = used.scalar_one_or_none()
                    if invitation_id is None:
                        return False
                    invited = {"invitation": str(invitation_id)}
                await connection.execute(
                    insert(tenants).values(
                        id=tenant.id, slug=tenant.slug, name=tenant.name, create_time=to_datetime(tenant.create_us)
                    )
                )
                await insert_user(connection, admin, password_hash)
                after = {"name": tenant.name, "slug": tenant.slug, "admin": admin.audited(), **invited}
                await write_audit(connection, actor, Change("tenant.register", tenant.id, after=after))
        except IntegrityError as error:
            if constraint_of(error) != "tenants_slug":
                raise
            raise AlreadyExists(
                reasons.ERROR_REASON_TENANT_SLUG_TAKEN, "Tenant slug is already taken. Choose another one."
            ) from error
        return True

    async def has_tenant_invitation(self, token_hash: bytes, now: int) -> bool:
        """Return whether an unexpired invitation exists."""
        query = select(tenant_invitations.c.id).where(_valid_invitation(token_hash, now))
        async with self._database.untenanted() as connection:
            return (await connection.execute(query)).one_or_none() is not None

    async def invite_tenant(self, invitation: TenantInvitation, token_hash: bytes) -> None:
        """Insert an invitation, and delete expired ones."""
        expired = tenant_invitations.c.expire_time <= to_datetime(invitation.create_us)
        async with self._database.untenanted() as connection:
            await connection.execute(delete(tenant_invitations).where(expired))
            await connection.execute(
                insert(tenant_invitations).values(
                    id=invitation.id,
                    token_hash=token_hash,
                    note=invitation.note,
                    create_time=to_datetime(invitation.create_us),
                    expire_time=to_datetime(invitation.expire_us),
                )
            )

    async def tenant_of_slug(self, slug: str) -> UUID | None:
        """Return the id of the tenant with this slug, or None."""
        async with self._database.untenanted() as connection:
            found: UUID | None = (await connection.execute(select(func.tenant_of_slug(slug)))).scalar_one()
            return found

    async def suspend(self, actor: Actor, reason: str, now: int) -> bool:
        """Suspend the actor's tenant and notify all services; return False if it is suspended already."""
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
        """Resume the actor's tenant and notify all services; return False if it is not suspended."""
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
