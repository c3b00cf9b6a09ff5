"""SQL of invitations. One that is accepted, revoked or replaced is deleted; the audit log keeps it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from services.auth.model import Invitation, Tenant, User
from services.auth.store.base import Sql, page_of, tenant_of, the_tenant
from services.auth.store.users import insert_user, lock_team
from services.platform.clock import from_datetime, to_datetime
from services.platform.errors import AlreadyExists
from services.platform.paging import PageRequest
from services.platform.postgres.common_store import write_audit
from services.platform.postgres.database import constraint_of
from services.platform.postgres.tables import invitations, users
from services.platform.security.audit import Actor, Change, user_actor
from services.platform.security.origin import Origin
from services.platform.security.principal import Role


class InvitationSql(Sql):
    """Invitations in PostgreSQL."""

    async def invite(self, actor: Actor, invitation: Invitation, token_hash: bytes) -> None:
        """Insert an invitation, and delete an earlier one for this email.

        Raises:
            AlreadyExists: EMAIL_TAKEN.
        """
        tenant_id = actor.tenant_id
        async with self._database.tenant(tenant_id) as connection:
            await lock_team(connection, tenant_id)
            user = select(users.c.id).where(users.c.tenant_id == tenant_id, users.c.email == invitation.email)
            if (await connection.execute(user)).one_or_none() is not None:
                raise _email_taken()
            await connection.execute(
                delete(invitations).where(invitations.c.tenant_id == tenant_id, invitations.c.email == invitation.email)
            )
            await connection.execute(
                insert(invitations).values(
                    tenant_id=tenant_id,
                    id=invitation.id,
                    email=invitation.email,
                    role=int(invitation.role),
                    token_hash=token_hash,
                    create_time=to_datetime(invitation.create_us),
                    expire_time=to_datetime(invitation.expire_us),
                )
            )
            change = Change("invitation.create", invitation.id, after=invitation.audited())
            await write_audit(connection, actor, change)

    async def list_invitations(self, tenant_id: UUID, page: PageRequest, now: int) -> tuple[Sequence[Invitation], int]:
        """Return a page of open invitations plus one more, oldest first, and the total."""
        every = select(invitations).where(
            invitations.c.tenant_id == tenant_id, invitations.c.expire_time > to_datetime(now)
        )
        async with self._database.tenant(tenant_id) as connection:
            rows, total = await page_of(connection, every, invitations.c.id, page)
        return [_invitation(row) for row in rows], total

    async def revoke_invitation(self, actor: Actor, invitation_id: UUID) -> bool:
        """Delete an invitation; return False if it does not exist."""
        which = (invitations.c.tenant_id == actor.tenant_id) & (invitations.c.id == invitation_id)
        async with self._database.tenant(actor.tenant_id) as connection:
            removed = await connection.execute(delete(invitations).where(which).returning(invitations))
            row = removed.one_or_none()
            if row is None:
                return False
            before = _invitation(row).audited()
            await write_audit(connection, actor, Change("invitation.revoke", invitation_id, before=before))
        return True

    async def find_invitation(
        self, tenant_id: UUID, token_hash: bytes, now: int
    ) -> tuple[Tenant, Invitation, str | None] | None:
        """Return the tenant, the token's open invitation, and why the tenant is suspended; None without invitation."""
        query = select(invitations).where(
            invitations.c.tenant_id == tenant_id,
            invitations.c.token_hash == token_hash,
            invitations.c.expire_time > to_datetime(now),
        )
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            tenant = (await connection.execute(the_tenant(tenant_id))).one()
        return tenant_of(tenant), _invitation(row), tenant.suspend_reason

    async def accept_invitation(self, origin: Origin, invitation: Invitation, user: User, password_hash: str) -> bool:
        """Replace the invitation by the user; return False if the invitation no longer exists.

        Raises:
            AlreadyExists: EMAIL_TAKEN.
        """
        which = (invitations.c.tenant_id == user.tenant_id) & (invitations.c.id == invitation.id)
        try:
            async with self._database.tenant(user.tenant_id) as connection:
                if (await connection.execute(delete(invitations).where(which))).rowcount == 0:
                    return False
                await insert_user(connection, user, password_hash)
                change = Change("invitation.accept", invitation.id, invitation.audited(), user.audited())
                await write_audit(connection, user_actor(user.tenant_id, user.id, origin), change)
        except IntegrityError as error:
            if constraint_of(error) != "users_email":
                raise
            raise _email_taken() from error
        return True


def _email_taken() -> AlreadyExists:
    return AlreadyExists(reasons.ERROR_REASON_EMAIL_TAKEN, "A user with this email already exists in this tenant.")


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        id=row.id,
        email=row.email,
        role=Role(row.role),
        create_us=from_datetime(row.create_time),
        expire_us=from_datetime(row.expire_time),
    )
