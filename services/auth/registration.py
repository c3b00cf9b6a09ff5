"""Registering: a new tenant with its first administrator. Nobody walks into a tenant that exists."""

from typing import Protocol

from services.auth.limits import Limits
from services.auth.model import SignedIn, Tenant, User
from services.auth.passwords import Passwords
from services.auth.sessions import Sessions
from services.common.audit import Actor, user_actor
from services.common.clock import now_us
from services.common.ids import new_id
from services.common.origin import Origin
from services.common.principal import Role


class RegistrationStore(Protocol):
    """What registering needs from the database."""

    async def create_tenant(self, actor: Actor, tenant: Tenant, admin: User, password_hash: str) -> None:
        """Record both, or raise AlreadyExists: TENANT_SLUG_TAKEN."""


class Registration:
    """Registers tenants.

    Args:
        store: where they are recorded.
        passwords: hashes them.
        sessions: signs the administrator in.
        limits: says how often one source may register.
    """

    def __init__(self, store: RegistrationStore, passwords: Passwords, sessions: Sessions, limits: Limits) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions
        self._limits = limits

    async def register(
        self, origin: Origin, tenant_name: str, slug: str, email: str, password: str, display_name: str
    ) -> SignedIn:
        """Make a tenant and its first administrator, and sign the administrator in.

        Raises:
            AlreadyExists: TENANT_SLUG_TAKEN.
            ResourceExhausted: RATE_LIMITED, or OVERLOADED.
        """
        await self._limits.take(self._limits.source("register", origin.address))
        password_hash = await self._passwords.hash(password)
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
        await self._store.create_tenant(user_actor(tenant.id, admin.id, origin), tenant, admin, password_hash)
        return await self._sessions.start(origin, tenant, admin, password_hash)
