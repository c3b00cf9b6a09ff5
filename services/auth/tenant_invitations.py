"""The operator's invitations to register a tenant: `sti_` and 256 random bits, used once, stored as a hash."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

_PREFIX = "sti_"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class TenantInvitation:
    """An invitation to register one tenant.

    Attributes:
        id: the id in the tenant's audit log.
        note: the operator's note, such as the recipient.
        create_us: when it was created, in microseconds.
        expire_us: when it expires, in microseconds.
    """

    id: UUID
    note: str
    create_us: int
    expire_us: int


def new_token() -> str:
    """Return a new token."""
    return _PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).rstrip(b"=").decode()


def hash_of(token: str) -> bytes:
    """Return the hash of a token; only the hash is stored."""
    return hashlib.sha256(token.encode()).digest()
