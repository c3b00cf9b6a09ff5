"""What auth is about: tenants, their users, and the credentials that speak for them. All *_us are points in time."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from services.platform.security.audit import Actor, Change
from services.platform.security.principal import Role


@dataclass(frozen=True, slots=True)
class Tenant:
    """A team, apart from every other."""

    id: UUID
    slug: str
    name: str
    create_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person of a tenant; the email is in lower case."""

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
        """Differs whenever the user was changed."""
        return hashlib.sha256(f"{self.id} {self.update_us}".encode()).hexdigest()[:16]

    @property
    def is_active_admin(self) -> bool:
        """Whether the user can administer the tenant now."""
        return self.role is Role.ADMIN and not self.disabled

    def audited(self) -> dict[str, object]:
        """What the audit log shows of the user."""
        return {
            "email": self.email,
            "displayName": self.display_name,
            "role": self.role.name.lower(),
            "disabled": self.disabled,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in that goes on."""

    id: UUID
    create_us: int
    last_use_us: int
    expire_us: int
    client: str
    address: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a signed-in client holds."""

    access: str
    access_expire_us: int
    refresh: str
    refresh_expire_us: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has signed in, and with what to go on."""

    tenant: Tenant
    user: User
    tokens: Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An open door for one person."""

    id: UUID
    email: str
    role: Role
    create_us: int
    expire_us: int

    def audited(self) -> dict[str, object]:
        """What the audit log shows of the invitation."""
        return {"email": self.email, "role": self.role.name.lower()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A credential for machines; expire_us None: never."""

    id: UUID
    name: str
    role: Role
    prefix: str
    create_us: int
    expire_us: int | None = None
    last_use_us: int | None = None

    def audited(self) -> dict[str, object]:
        """What the audit log shows of the key."""
        return {"name": self.name, "role": self.role.name.lower(), "prefix": self.prefix}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change as it was recorded; actor_name is the user's email or the key's name at that time."""

    id: UUID
    create_us: int
    actor: Actor
    actor_name: str
    change: Change
