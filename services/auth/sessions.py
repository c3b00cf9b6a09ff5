"""Sessions: log in, refresh, list, end.

A session lives for 30 days after its last refresh. A refresh token is spent by its first use. Its successor is derived
from it with a secret of this installation: for ten seconds, and while the successor is unused, the same token returns
the same successor, so a lost response or two tabs that refresh at once do no harm. Later, a spent token ends its
session, because one of its two holders must have stolen it (docs/adr/0008).
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth import secret_token
from services.auth.limits import Limits
from services.auth.model import Session, SignedIn, Tenant, Tokens, User
from services.auth.passwords import Passwords
from services.auth.signing import Keyring
from services.platform.clock import DAY_US, MINUTE_US, SECOND_US, now_us
from services.platform.errors import NotFound, PermissionDenied, Unauthenticated
from services.platform.ids import new_id
from services.platform.security.audit import Actor, user_actor
from services.platform.security.origin import Origin
from services.platform.security.principal import Person
from services.platform.security.revocations import tenant_suspended_error

if TYPE_CHECKING:
    from services.auth.store.sessions import SessionSql

ACCESS_LIFE_US = 15 * MINUTE_US
SESSION_LIFE_US = 30 * DAY_US
REPEAT_US = 10 * SECOND_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The stored data that decides a login.

    Attributes:
        tenant: the tenant with the given slug.
        user: its user with the given email.
        password_hash: the user's password hash.
        address_is_known: whether the user has signed in from this address before.
        suspend_reason: why the tenant is suspended; None if it is not.
    """

    tenant: Tenant
    user: User
    password_hash: str
    address_is_known: bool
    suspend_reason: str | None


class RefreshTokenState(Enum):
    """The state of a presented refresh token."""

    GOOD = auto()
    UNKNOWN = auto()
    SPENT = auto()
    SUSPENDED = auto()


@dataclass(frozen=True, slots=True)
class Rotation:
    """The result of rotating a refresh token.

    Attributes:
        presented: the state of the token.
        session_id: its session; None if unknown.
        user: the session's user; None unless the state is GOOD.
        reason: why the tenant is suspended; empty if it is not.
    """

    presented: RefreshTokenState
    session_id: UUID | None = None
    user: User | None = None
    reason: str = ""


_MOST_LISTED = 200


class Sessions:
    """Use cases of sessions: start, refresh, list, end.

    Args:
        store: sessions in PostgreSQL.
        passwords: verifies passwords.
        keyring: signs access tokens.
        limits: limits the attempts by source address and account.
        installation_key: a secret that all replicas share.
    """

    def __init__(
        self, store: "SessionSql", passwords: Passwords, keyring: Keyring, limits: Limits, installation_key: bytes
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._keyring = keyring
        self._limits = limits
        self._key = hmac.digest(installation_key, b"refresh token", hashlib.sha256)

    async def log_in(self, origin: Origin, slug: str, email: str, password: str) -> SignedIn:
        """Start a session for a user who knows the password.

        Raises:
            Unauthenticated: CREDENTIALS_INVALID, after the same time whatever was wrong.
            PermissionDenied: TENANT_SUSPENDED or USER_DISABLED, only after the password was verified.
            ResourceExhausted: RATE_LIMITED or OVERLOADED.
        """
        email = email.lower()
        found = await self._store.find_login(slug, email, origin.address)
        known_address = origin.address if found and found.address_is_known else ""
        source = self._limits.source("login", origin.address)
        account = self._limits.account(slug, email, known_address=known_address)
        async with self._limits.attempt(source, account):
            if not await self._passwords.verify(found.password_hash if found else None, password) or found is None:
                raise _wrong_credentials()
        if found.suspend_reason is not None:
            raise tenant_suspended_error(found.suspend_reason)
        if found.user.disabled:
            raise PermissionDenied(reasons.ERROR_REASON_USER_DISABLED, "User is disabled by an administrator.")
        return await self.start(origin, found.tenant, found.user, found.password_hash)

    async def start(self, origin: Origin, tenant: Tenant, user: User, password_hash: str) -> SignedIn:
        """Start a session for a user whose password of this hash was just verified or set.

        Raises:
            Unauthenticated: CREDENTIALS_INVALID: the user was disabled or the password changed meanwhile.
        """
        session_id, secret, now = new_id(), secret_token.new_secret(), now_us()
        started = await self._store.start_session(
            user_actor(tenant.id, user.id, origin),
            session_id,
            user.id,
            password_hash,
            secret_token.hash_of(secret),
            now,
            now + SESSION_LIFE_US,
        )
        if not started:
            raise _wrong_credentials()
        return SignedIn(tenant, user, self._tokens(user, session_id, secret, now))

    async def refresh(self, origin: Origin, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens.

        Raises:
            Unauthenticated: REFRESH_TOKEN_INVALID.
            PermissionDenied: TENANT_SUSPENDED.
            ResourceExhausted: RATE_LIMITED.
        """
        async with self._limits.attempt(self._limits.source("refresh", origin.address)):
            try:
                tenant_id, secret = secret_token.read(refresh_token)
            except ValueError as error:
                raise _refused() from error
            successor, now = hmac.digest(self._key, secret, hashlib.sha256), now_us()
            rotation = await self._store.rotate(
                origin,
                tenant_id,
                secret_token.hash_of(secret),
                secret_token.hash_of(successor),
                now,
                now + SESSION_LIFE_US,
            )
            if rotation.presented is RefreshTokenState.SUSPENDED:
                raise tenant_suspended_error(rotation.reason)
            if rotation.user is None or rotation.session_id is None:
                raise _refused()
        return self._tokens(rotation.user, rotation.session_id, successor, now)

    async def log_out(self, actor: Actor, person: Person) -> None:
        """End the caller's session on all services."""
        await self._store.end_session(actor, person.user_id, person.session_id, now_us())

    async def list(self, person: Person) -> Sequence[Session]:
        """Return the caller's open sessions, newest first."""
        return await self._store.list_sessions(person.tenant_id, person.user_id, now_us(), _MOST_LISTED)

    async def end(self, actor: Actor, person: Person, session_id: UUID) -> None:
        """End one of the caller's sessions.

        Raises:
            NotFound: SESSION_NOT_FOUND.
        """
        if not await self._store.end_session(actor, person.user_id, session_id, now_us()):
            raise NotFound(reasons.ERROR_REASON_SESSION_NOT_FOUND, "Session not found or already ended.")

    async def end_others(self, actor: Actor, person: Person) -> int:
        """End all other sessions of the caller; return how many."""
        return await self._store.end_other_sessions(actor, person.user_id, person.session_id, now_us())

    def _tokens(self, user: User, session_id: UUID, secret: bytes, now: int) -> Tokens:
        expire = now + ACCESS_LIFE_US
        access = self._keyring.current(now).sign(user, session_id, now, expire)
        return Tokens(access, expire, secret_token.write(user.tenant_id, secret), now + SESSION_LIFE_US)


def _wrong_credentials() -> Unauthenticated:
    return Unauthenticated(reasons.ERROR_REASON_CREDENTIALS_INVALID, "Incorrect tenant, email or password.")


def _refused() -> Unauthenticated:
    return Unauthenticated(
        reasons.ERROR_REASON_REFRESH_TOKEN_INVALID, "Refresh token is invalid or expired. Log in again."
    )
