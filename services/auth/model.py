"""Tenants, their users and their credentials. All *_us are times in microseconds since the epoch."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from services.platform.security.audit import Actor, Change
from services.platform.security.principal import Role


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation whose data no other tenant can see."""

    id: UUID
    slug: str
    name: str
    create_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of a tenant; the email is in lower case."""

    tenant_id: UUID
    id: UUID
    email: str
    display_name: str
    role: Role
    create_us: int
    update_us: int
    disabled: bool = False

    @property
    def etag(self) -> str:
        """A version of the user, for optimistic concurrency."""
        return hashlib.sha256(f"{self.id} {self.update_us}".encode()).hexdigest()[:16]

    @property
    def is_active_admin(self) -> bool:
        """Whether the user can administer the tenant now."""
        return self.role is Role.ADMIN and not self.disabled

    def audited(self) -> dict[str, object]:
        """Return the user's fields for the audit log."""
        return {
            "email": self.email,
            "displayName": self.display_name,
            "role": self.role.name.lower(),
            "disabled": self.disabled,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open session."""

    id: UUID
    create_us: int
    last_use_us: int
    expire_us: int
    client: str
    address: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a signed-in client."""

    access: str
    access_expire_us: int
    refresh: str
    refresh_expire_us: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A started session: the user, the tenant and the tokens."""

    tenant: Tenant
    user: User
    tokens: Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invitation to join a tenant."""

    id: UUID
    email: str
    role: Role
    create_us: int
    expire_us: int

    def audited(self) -> dict[str, object]:
        """Return the invitation's fields for the audit log."""
        return {"email": self.email, "role": self.role.name.lower()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key; without expire_us it does not expire."""

    id: UUID
    name: str
    role: Role
    prefix: str
    create_us: int
    expire_us: int | None = None
    last_use_us: int | None = None

    def audited(self) -> dict[str, object]:
        """Return the key's fields for the audit log."""
        return {"name": self.name, "role": self.role.name.lower(), "prefix": self.prefix}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One recorded change; actor_name is the user's email or the key's name at that time."""

    id: UUID
    create_us: int
    actor: Actor
    actor_name: str
    change: Change
