"""What the operator does about tenants: make one, invite to one, reset a password, suspend one and resume it."""

from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.auth.v1.auth_service_pb2 import RegisterRequest

from services.auth.registration import first_of_tenant, refuse_reserved
from services.auth.tenant_invitations import TenantInvitation, hash_of, new_token
from services.platform.clock import DAY_US, now_us
from services.platform.ids import new_id
from services.platform.security.audit import Actor, ActorKind
from services.platform.security.origin import Origin

if TYPE_CHECKING:
    from services.auth.store import AuthStore

_COMMAND_LINE = Origin("", "sentinel command line", "")
# It travels in a notification, which has 8,000 bytes.
_LONGEST_REASON = 500


class OperatorError(Exception):
    """What the operator asks for cannot be done; the message is the sentence to print."""


class Tenants:
    """Makes tenants, invites to them, resets passwords and suspends tenants; the audit log of the tenant has it.

    Args:
        store: where that is recorded.
    """

    def __init__(self, store: "AuthStore") -> None:
        self._store = store

    async def create(self, request: RegisterRequest, password_hash: str) -> None:
        """Make a tenant and its first administrator, whatever SENTINEL_REGISTRATION says.

        Args:
            request: as for Register; it has passed the contract's rules.
            password_hash: of the administrator's password.

        Raises:
            AlreadyExists: TENANT_SLUG_TAKEN.
            InvalidArgument: TENANT_SLUG_RESERVED.
        """
        refuse_reserved(request.tenant_slug)
        tenant, admin = first_of_tenant(request.tenant_name, request.tenant_slug, request.email, request.display_name)
        await self._store.create_tenant(_operator(tenant.id), tenant, admin, password_hash)

    async def invite(self, days: int, note: str) -> str:
        """Invite somebody to register one tenant, within so many days; return the token."""
        token, now = new_token(), now_us()
        await self._store.invite_tenant(TenantInvitation(new_id(), note, now, now + days * DAY_US), hash_of(token))
        return token

    async def reset_password(self, slug: str, email: str, password_hash: str) -> None:
        """Give a user another password; all sessions of the user end.

        Raises:
            OperatorError: no tenant has this slug, or no user of it this email.
        """
        actor = await self._operator(slug)
        if not await self._store.reset_password(actor, email.lower(), password_hash, now_us()):
            raise OperatorError(f"user not found: {email!r} in tenant {slug!r}")

    async def suspend(self, slug: str, reason: str) -> bool:
        """Suspend a tenant, so that every call is refused with the reason and checks pause; False if it is suspended.

        Raises:
            OperatorError: no tenant has this slug, or the reason is empty or too long.
        """
        if not reason.strip() or len(reason) > _LONGEST_REASON:
            raise OperatorError(f"the reason must have 1 to {_LONGEST_REASON} characters")
        return await self._store.suspend(await self._operator(slug), reason.strip(), now_us())

    async def resume(self, slug: str) -> bool:
        """Let a tenant go on; False if it is not suspended.

        Raises:
            OperatorError: no tenant has this slug.
        """
        return await self._store.resume(await self._operator(slug), now_us())

    async def _operator(self, slug: str) -> Actor:
        tenant_id = await self._store.tenant_of_slug(slug)
        if tenant_id is None:
            raise OperatorError(f"tenant not found: {slug!r}")
        return _operator(tenant_id)


def _operator(tenant_id: UUID) -> Actor:
    return Actor(tenant_id, ActorKind.OPERATOR, None, _COMMAND_LINE)
