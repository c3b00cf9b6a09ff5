"""The operator's commands about tenants: create, invite, reset a password, suspend, resume."""

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
# The reason is part of a notification, which holds 8,000 bytes.
_LONGEST_REASON = 500


class OperatorError(Exception):
    """A command of the operator failed. The message is printed for the operator."""


class Tenants:
    """The operator's use cases about tenants. Each change is written to the tenant's audit log.

    Args:
        store: the database of auth.
    """

    def __init__(self, store: "AuthStore") -> None:
        self._store = store

    async def create(self, request: RegisterRequest, password_hash: str) -> None:
        """Create a tenant and its first administrator, regardless of SENTINEL_REGISTRATION.

        Args:
            request: as for Register; already validated by the contract's rules.
            password_hash: the hash of the administrator's password.

        Raises:
            AlreadyExists: TENANT_SLUG_TAKEN.
            InvalidArgument: TENANT_SLUG_RESERVED.
        """
        refuse_reserved(request.tenant_slug)
        tenant, admin = first_of_tenant(request.tenant_name, request.tenant_slug, request.email, request.display_name)
        await self._store.create_tenant(_operator(tenant.id), tenant, admin, password_hash)

    async def invite(self, days: int, note: str) -> str:
        """Create an invitation to register one tenant within so many days; return its token."""
        token, now = new_token(), now_us()
        await self._store.invite_tenant(TenantInvitation(new_id(), note, now, now + days * DAY_US), hash_of(token))
        return token

    async def reset_password(self, slug: str, email: str, password_hash: str) -> None:
        """Set a user's password and end all sessions of the user.

        Raises:
            OperatorError: the tenant or the user does not exist.
        """
        actor = await self._operator(slug)
        if not await self._store.reset_password(actor, email.lower(), password_hash, now_us()):
            raise OperatorError(f"user not found: {email!r} in tenant {slug!r}")

    async def suspend(self, slug: str, reason: str) -> bool:
        """Suspend a tenant: refuse its calls and pause its checks. Return False if it is suspended already.

        Raises:
            OperatorError: the tenant does not exist, or the reason is empty or too long.
        """
        if not reason.strip() or len(reason) > _LONGEST_REASON:
            raise OperatorError(f"the reason must have 1 to {_LONGEST_REASON} characters")
        return await self._store.suspend(await self._operator(slug), reason.strip(), now_us())

    async def resume(self, slug: str) -> bool:
        """Resume a tenant; return False if it is not suspended.

        Raises:
            OperatorError: the tenant does not exist.
        """
        return await self._store.resume(await self._operator(slug), now_us())

    async def _operator(self, slug: str) -> Actor:
        tenant_id = await self._store.tenant_of_slug(slug)
        if tenant_id is None:
            raise OperatorError(f"tenant not found: {slug!r}")
        return _operator(tenant_id)


def _operator(tenant_id: UUID) -> Actor:
    return Actor(tenant_id, ActorKind.OPERATOR, None, _COMMAND_LINE)
