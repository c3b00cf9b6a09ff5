"""What auth is about: tenants, their users, and the tokens of a session."""

from dataclasses import dataclass
from uuid import UUID

from services.common.principal import Role


@dataclass(frozen=True, slots=True)
class Tenant:
    """A team, apart from every other."""

    id: UUID
    slug: str
    name: str
    create_us: int


@dataclass(frozen=True, slots=True)
class User:
    """A person of a tenant; the email is in lower case."""

    tenant_id: UUID
    id: UUID
    email: str
    display_name: str
    role: Role
    create_us: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a signed-in client holds; *_expire_us are points in time."""

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
