"""Invitations to join a tenant. The token is shown once, to the administrator who invites."""

from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth import secret_token
from services.auth.limits import Limits
from services.auth.model import Invitation, SignedIn, User
from services.auth.passwords import Passwords
from services.auth.sessions import Sessions
from services.platform.clock import DAY_US, now_us
from services.platform.errors import NotFound, Unauthenticated
from services.platform.ids import new_id
from services.platform.paging import Page, Pager
from services.platform.security.audit import Actor
from services.platform.security.origin import Origin
from services.platform.security.principal import Role
from services.platform.security.revocations import tenant_suspended_error

if TYPE_CHECKING:
    from services.auth.store.invitations import InvitationSql

LIFE_US = 7 * DAY_US
_SCOPE = "invitations"


class Invitations:
    """Use cases of invitations: create, list, revoke, accept.

    Args:
        store: invitations in PostgreSQL.
        passwords: hashes the new user's password.
        sessions: signs the new user in.
        limits: limits the attempts of one source address.
        pager: reads and writes page tokens.
    """

    def __init__(
        self, store: "InvitationSql", passwords: Passwords, sessions: Sessions, limits: Limits, pager: Pager
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions
        self._limits = limits
        self._pager = pager

    async def invite(self, actor: Actor, email: str, role: Role) -> tuple[Invitation, str]:
        """Invite a person; return the invitation and its token.

        Raises:
            AlreadyExists: EMAIL_TAKEN.
        """
        secret, now = secret_token.new_secret(), now_us()
        invitation = Invitation(id=new_id(), email=email.lower(), role=role, create_us=now, expire_us=now + LIFE_US)
        await self._store.invite(actor, invitation, secret_token.hash_of(secret))
        return invitation, secret_token.write(actor.tenant_id, secret)

    async def list(self, tenant_id: UUID, page_size: int, page_token: str) -> Page[Invitation]:
        """Return a page of the open invitations, oldest first.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        request = self._pager.request(tenant_id, _SCOPE, page_size, page_token)
        rows, total = await self._store.list_invitations(tenant_id, request, now_us())
        return self._pager.page(tenant_id, _SCOPE, request, rows, total, lambda invitation: invitation.id)

    async def revoke(self, actor: Actor, invitation_id: UUID) -> None:
        """Revoke an open invitation.

        Raises:
            NotFound: INVITATION_NOT_FOUND.
        """
        if not await self._store.revoke_invitation(actor, invitation_id):
            raise NotFound(reasons.ERROR_REASON_INVITATION_NOT_FOUND, "Open invitation not found.")

    async def accept(self, origin: Origin, token: str, password: str, display_name: str) -> SignedIn:
        """Create the invited user and start a session.

        Raises:
            Unauthenticated: INVITATION_INVALID.
            AlreadyExists: EMAIL_TAKEN.
            PermissionDenied: TENANT_SUSPENDED.
            ResourceExhausted: RATE_LIMITED or OVERLOADED.
        """
        async with self._limits.attempt(self._limits.source("accept-invitation", origin.address)):
            try:
                tenant_id, secret = secret_token.read(token)
            except ValueError as error:
                raise _invalid() from error
            found = await self._store.find_invitation(tenant_id, secret_token.hash_of(secret), now_us())
            if found is None:
                raise _invalid()
        tenant, invitation, suspend_reason = found
        if suspend_reason is not None:
            raise tenant_suspended_error(suspend_reason)
        password_hash = await self._passwords.hash(password)
        now = now_us()
        user = User(
            tenant_id=tenant.id,
            id=new_id(),
            email=invitation.email,
            display_name=display_name,
            role=invitation.role,
            create_us=now,
            update_us=now,
        )
        if not await self._store.accept_invitation(origin, invitation, user, password_hash):
            raise _invalid()
        return await self._sessions.start(origin, tenant, user, password_hash)


def _invalid() -> Unauthenticated:
    return Unauthenticated(
        reasons.ERROR_REASON_INVITATION_INVALID, "Invitation is invalid, expired or already used. Ask for a new one."
    )
