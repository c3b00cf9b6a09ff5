"""Registration of a new tenant with its first administrator. Joining an existing tenant takes an invitation."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth import tenant_invitations
from services.auth.limits import Limits
from services.auth.model import SignedIn, Tenant, User
from services.auth.passwords import Passwords
from services.auth.reserved_slugs import RESERVED_SLUGS
from services.auth.sessions import Sessions
from services.platform.clock import now_us
from services.platform.errors import InvalidArgument, PermissionDenied
from services.platform.ids import new_id
from services.platform.security.audit import user_actor
from services.platform.security.origin import Origin
from services.platform.security.principal import Role
from services.platform.security.registration import RegistrationMode

if TYPE_CHECKING:
    from services.auth.store.tenants import TenantSql


class Registration:
    """Use case: register a tenant.

    Args:
        store: tenants in PostgreSQL.
        passwords: hashes the password.
        sessions: signs the administrator in.
        limits: limits the attempts of one source address.
        mode: who may register: everyone, only invited people, or no one.
        granted_slugs: slugs to which the operator's settings grant rights; only the operator may create these tenants.
    """

    def __init__(
        self,
        store: "TenantSql",
        passwords: Passwords,
        sessions: Sessions,
        limits: Limits,
        mode: RegistrationMode = RegistrationMode.OPEN,
        granted_slugs: Collection[str] = (),
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions
        self._limits = limits
        self._mode = mode
        self._granted_slugs = granted_slugs

    async def register(
        self,
        origin: Origin,
        tenant_name: str,
        slug: str,
        email: str,
        password: str,
        display_name: str,
        invitation_token: str = "",
    ) -> SignedIn:
        """Create a tenant and its first administrator, and start a session.

        Raises:
            AlreadyExists: TENANT_SLUG_TAKEN.
            InvalidArgument: TENANT_SLUG_RESERVED.
            PermissionDenied: REGISTRATION_CLOSED, TENANT_INVITATION_INVALID.
            ResourceExhausted: RATE_LIMITED or OVERLOADED.
        """
        if self._mode is RegistrationMode.CLOSED:
            raise PermissionDenied(
                reasons.ERROR_REASON_REGISTRATION_CLOSED,
                "Registration is closed on this installation. Ask its operator to create a tenant.",
            )
        await self._limits.consume(self._limits.source("register", origin.address))
        invitation_hash = await self._invitation(invitation_token) if self._mode is RegistrationMode.INVITE else None
        refuse_reserved(slug, self._granted_slugs)
        # Hashing is expensive, so all other validation comes first.
        password_hash = await self._passwords.hash(password)
        tenant, admin = first_of_tenant(tenant_name, slug, email, display_name)
        actor = user_actor(tenant.id, admin.id, origin)
        if not await self._store.create_tenant(actor, tenant, admin, password_hash, invitation_hash):
            raise _no_invitation()
        return await self._sessions.start(origin, tenant, admin, password_hash)

    async def _invitation(self, token: str) -> bytes:
        token_hash = tenant_invitations.hash_of(token)
        if not await self._store.has_tenant_invitation(token_hash, now_us()):
            raise _no_invitation()
        return token_hash


def refuse_reserved(slug: str, granted_slugs: Collection[str] = ()) -> None:
    """Refuse a slug that is reserved or to which the operator's settings grant rights.

    Raises:
        InvalidArgument: TENANT_SLUG_RESERVED.
    """
    if slug in RESERVED_SLUGS or slug in granted_slugs:
        raise InvalidArgument.field(
            "tenant_slug", f"{slug!r} is reserved; choose another slug", reasons.ERROR_REASON_TENANT_SLUG_RESERVED
        )


def first_of_tenant(tenant_name: str, slug: str, email: str, display_name: str) -> tuple[Tenant, User]:
    """Return a new tenant and its first administrator."""
    now = now_us()
    tenant = Tenant(new_id(), slug, tenant_name, now)
    admin = User(
        tenant_id=tenant.id,
        id=new_id(),
        email=email.lower(),
        display_name=display_name,
        role=Role.ADMIN,
        create_us=now,
        update_us=now,
    )
    return tenant, admin


def _no_invitation() -> PermissionDenied:
    return PermissionDenied(
        reasons.ERROR_REASON_TENANT_INVITATION_INVALID,
        "Registration requires an invitation from the operator. "
        "The invitation_token is missing, unknown, expired or already used.",
    )
