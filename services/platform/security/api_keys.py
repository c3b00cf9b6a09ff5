"""API keys: their format, and the principal of a key.

A key is `sst_`, 256 random bits and a tag that only this installation can compute, in hexadecimal. The tag lets every
service refuse a forged key without a query; only a hash of the key is stored. A verified key is cached for some
minutes: its deletion reaches every service as a revocation.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.clock import DAY_US, MINUTE_US, now_us
from services.platform.errors import Unauthenticated
from services.platform.security.principal import Principal, Role
from services.platform.security.revocations import Revoked, credential_ended_error, tenant_suspended_error

if TYPE_CHECKING:
    from services.platform.postgres.common_store import CommonStore

PREFIX = "sst_"
SHOWN = len(PREFIX) + 8
_SECRET_BYTES = 32
_TAG_BYTES = 8
_LENGTH = len(PREFIX) + 2 * (_SECRET_BYTES + _TAG_BYTES)
_REMEMBER_US = 5 * MINUTE_US
_CACHE_SIZE = 10_000
_NEVER_US = 100 * 365 * DAY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key as stored.

    Attributes:
        tenant_id: the tenant.
        id: the key's id.
        role: the role of its calls.
        expire_us: when it expires; None for never.
        suspend_reason: why its tenant is suspended; None if it is not.
    """

    tenant_id: UUID
    id: UUID
    role: Role
    expire_us: int | None
    suspend_reason: str | None


class KeyFormat:
    """The format of keys: generates and recognizes them.

    Args:
        sealing_key: a secret that all replicas share.
    """

    def __init__(self, sealing_key: bytes) -> None:
        self._key = hmac.digest(sealing_key, b"api key", hashlib.sha256)

    def new(self) -> str:
        """Return a new key."""
        secret = secrets.token_bytes(_SECRET_BYTES)
        return PREFIX + (secret + self._tag(secret)).hex()

    def is_ours(self, key: str) -> bool:
        """Return whether this installation generated the key."""
        if len(key) != _LENGTH or not key.startswith(PREFIX):
            return False
        try:
            raw = bytes.fromhex(key[len(PREFIX) :])
        except ValueError:
            return False
        return hmac.compare_digest(raw[_SECRET_BYTES:], self._tag(raw[:_SECRET_BYTES]))

    def _tag(self, secret: bytes) -> bytes:
        return hmac.digest(self._key, secret, hashlib.sha256)[:_TAG_BYTES]


def hash_of(key: str) -> bytes:
    """Return the hash of a key. 256 random bits cannot be guessed, so they need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).digest()


class ApiKeyVerifier:
    """A verifier of API keys, with a cache.

    Args:
        store: the keys in PostgreSQL.
        key_format: refuses forged keys without a query.
    """

    def __init__(self, store: "CommonStore", key_format: KeyFormat) -> None:
        self._store = store
        self._format = key_format
        self._remembered: OrderedDict[bytes, tuple[Principal, int]] = OrderedDict()

    async def verify(self, key: str) -> Principal:
        """Return the principal of a key.

        Raises:
            Unauthenticated: TOKEN_INVALID or TOKEN_EXPIRED.
            PermissionDenied: TENANT_SUSPENDED.
            Unavailable: the key is not cached and the database is unavailable.
        """
        digest = hash_of(key)
        now = now_us()
        known = self._remembered.get(digest)
        if known is not None and now < known[1]:
            return known[0]
        self._remembered.pop(digest, None)
        issued = await self._store.find_api_key(digest) if self._format.is_ours(key) else None
        if issued is None:
            raise credential_ended_error(Revoked.API_KEY)
        if issued.expire_us is not None and issued.expire_us <= now:
            raise Unauthenticated(reasons.ERROR_REASON_TOKEN_EXPIRED, "API key has expired.")
        if issued.suspend_reason is not None:
            raise tenant_suspended_error(issued.suspend_reason)
        expire = issued.expire_us or now + _NEVER_US
        principal = Principal(
            tenant_id=issued.tenant_id, user_id=None, role=issued.role, credential_id=issued.id, expire_us=expire
        )
        self._remembered[digest] = (principal, min(expire, now + _REMEMBER_US))
        if len(self._remembered) > _CACHE_SIZE:
            self._remembered.popitem(last=False)
        return principal
