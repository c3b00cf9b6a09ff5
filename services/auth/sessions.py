"""Sessions: log in, refresh, log out.

A session lives for 30 days behind its last refresh. Its refresh token is 256 random bits behind the tenant's id; only
a hash is stored, and each works once: presenting a spent one ends the session, since one of its two holders stole it.
"""

import base64
import binascii
import hashlib
import secrets
from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.model import SignedIn, Tenant, Tokens, User
from services.auth.passwords import Passwords
from services.auth.signing import SigningKey
from services.common.clock import DAY_US, MINUTE_US, now_us
from services.common.errors import Unauthenticated
from services.common.ids import new_id
from services.common.principal import Principal

ACCESS_LIFE_US = 15 * MINUTE_US
SESSION_LIFE_US = 30 * DAY_US
_SECRET_BYTES = 32
_TENANT_BYTES = 16


class Presented(Enum):
    """What a presented refresh token turned out to be."""

    GOOD = auto()
    UNKNOWN = auto()
    SPENT = auto()


class SessionStore(Protocol):
    """What sessions need from the database."""

    async def find_login(self, slug: str, email: str) -> tuple[Tenant, User, str] | None:
        """A tenant, its user and the user's password hash."""

    async def start_session(
        self, tenant_id: UUID, session_id: UUID, user_id: UUID, token_hash: bytes, now: int, expire: int
    ) -> None:
        """A new session with its first refresh token; times in microseconds."""

    async def rotate(
        self, tenant_id: UUID, spent_hash: bytes, next_hash: bytes, now: int, expire: int
    ) -> tuple[Presented, UUID | None, User | None]:
        """Spend one refresh token for the next; a spent one ends its session. Answers the session and its user."""

    async def end_session(self, tenant_id: UUID, session_id: UUID, now: int) -> None:
        """End a session, and tell every service."""

    async def find_user(self, tenant_id: UUID, user_id: UUID) -> tuple[Tenant, User] | None:
        """A user and the tenant."""


class Sessions:
    """Starts, continues and ends sessions.

    Args:
        store: where they are recorded.
        passwords: verifies them.
        key: signs access tokens.
    """

    def __init__(self, store: SessionStore, passwords: Passwords, key: SigningKey) -> None:
        self._store = store
        self._passwords = passwords
        self._key = key

    async def log_in(self, slug: str, email: str, password: str) -> SignedIn:
        """Start a session for a user who knows the password.

        Raises:
            Unauthenticated: CREDENTIALS_INVALID, after the same time whatever was wrong.
        """
        found = await self._store.find_login(slug, email.lower())
        if not await self._passwords.verify(found[2] if found else None, password) or found is None:
            raise Unauthenticated(
                reasons.ERROR_REASON_CREDENTIALS_INVALID, "the tenant, the email or the password is wrong"
            )
        tenant, user, _ = found
        return await self.start(tenant, user)

    async def start(self, tenant: Tenant, user: User) -> SignedIn:
        """Start a session for a user who has proved to be one."""
        session_id, now = new_id(), now_us()
        secret = secrets.token_bytes(_SECRET_BYTES)
        expire = now + SESSION_LIFE_US
        await self._store.start_session(tenant.id, session_id, user.id, _hash(secret), now, expire)
        return SignedIn(tenant, user, self._tokens(user, session_id, secret, now))

    async def refresh(self, refresh_token: str) -> Tokens:
        """Trade a refresh token for new tokens.

        Raises:
            Unauthenticated: REFRESH_TOKEN_INVALID.
        """
        tenant_id, secret = _read(refresh_token)
        next_secret, now = secrets.token_bytes(_SECRET_BYTES), now_us()
        presented, session_id, user = await self._store.rotate(
            tenant_id, _hash(secret), _hash(next_secret), now, now + SESSION_LIFE_US
        )
        if presented is not Presented.GOOD or user is None:
            raise _refused()
        return self._tokens(user, session_id, next_secret, now)

    async def log_out(self, principal: Principal) -> None:
        """End the caller's session everywhere."""
        await self._store.end_session(principal.tenant_id, principal.session_id, now_us())

    async def who(self, principal: Principal) -> tuple[Tenant, User]:
        """The caller.

        Raises:
            Unauthenticated: SESSION_ENDED, when the user is gone.
        """
        found = await self._store.find_user(principal.tenant_id, principal.user_id)
        if found is None:
            raise Unauthenticated(reasons.ERROR_REASON_SESSION_ENDED, "the session was ended; log in again")
        return found

    def _tokens(self, user: User, session_id: object, secret: bytes, now: int) -> Tokens:
        expire = now + ACCESS_LIFE_US
        refresh = base64.urlsafe_b64encode(user.tenant_id.bytes + secret).rstrip(b"=").decode()
        return Tokens(self._key.sign(user, session_id, now, expire), expire, refresh, now + SESSION_LIFE_US)


def _hash(secret: bytes) -> bytes:
    # 256 random bits need no salt and no slow hash: they cannot be guessed.
    return hashlib.sha256(secret).digest()


def _read(refresh_token: str) -> tuple[UUID, bytes]:
    try:
        padded = refresh_token.encode("ascii") + b"=" * (-len(refresh_token) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise _refused() from error
    if len(raw) != _TENANT_BYTES + _SECRET_BYTES:
        raise _refused()
    return UUID(bytes=raw[:_TENANT_BYTES]), raw[_TENANT_BYTES:]


def _refused() -> Unauthenticated:
    return Unauthenticated(
        reasons.ERROR_REASON_REFRESH_TOKEN_INVALID, "the refresh token is not, or no longer, valid; log in again"
    )
