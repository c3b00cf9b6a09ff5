"""Access tokens: Ed25519-signed JWTs (RFC 7519, RFC 8037), verified by every service from the published keys."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform import logs
from services.platform.clock import SECOND_US
from services.platform.errors import SentinelError, Unauthenticated
from services.platform.security.principal import Principal, Role

if TYPE_CHECKING:
    from services.platform.postgres.common_store import CommonStore

CHANNEL = "signing_keys"
ISSUER = "sentinel-stack"
AUDIENCE = "sentinel-stack"
ALGORITHM = "EdDSA"
LEEWAY_S = 5
_CLAIMS = ["iss", "aud", "sub", "tid", "role", "sid", "iat", "exp"]
_CACHE_SIZE = 10_000
_REFETCH_S = 1.0
# A fixed schedule without retries: notifications and unknown keys cause a read immediately.
_POLL_S = 30.0
_LONGEST = 4096

_log = logs.get("tokens")


class TokenVerifier:
    """A verifier of access tokens; it caches verified tokens by their hash until they expire.

    Args:
        store: the published public keys in PostgreSQL.
    """

    def __init__(self, store: "CommonStore") -> None:
        self._store = store
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetching = asyncio.Lock()
        self._fetch_again_at = 0.0
        self._verified: OrderedDict[bytes, Principal] = OrderedDict()
        self._published = asyncio.Event()

    async def verify(self, token: str) -> Principal:
        """Return the principal of an access token.

        Raises:
            Unauthenticated: TOKEN_EXPIRED, or TOKEN_INVALID for any other fault.
            Unavailable: its key is unknown and the published keys cannot be read.
        """
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None:
            if time.time() < known.expire_us / SECOND_US + LEEWAY_S:
                return known
            del self._verified[digest]
            raise _expired()
        principal = self._decode(token, await self._key(token))
        self._verified[digest] = principal
        if len(self._verified) > _CACHE_SIZE:
            self._verified.popitem(last=False)
        return principal

    async def refresh(self) -> None:
        """Read the published keys; if one was withdrawn, clear the cache.

        Raises:
            Unavailable: the database is unavailable.
        """
        published = await self._store.public_keys()
        if self._keys.keys() - published.keys():
            # Tokens that a withdrawn key signed are no longer valid.
            self._verified.clear()
        self._keys = {kid: Ed25519PublicKey.from_public_bytes(raw) for kid, raw in published.items()}

    def on_notify(self, _payload: str) -> None:
        """Trigger a read of the published keys."""
        self._published.set()

    async def run(self) -> None:
        """Read the keys after notifications, and every 30 s, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._published.wait()
            self._published.clear()
            try:
                await self.refresh()
            except SentinelError:
                _log.debug("published keys not refreshed: database unavailable")

    async def _key(self, token: str) -> Ed25519PublicKey:
        """Return the key that the token names; read the published keys for an unknown one, at most once a second."""
        if len(token) > _LONGEST:
            raise _invalid()
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError as error:
            raise _invalid() from error
        if not isinstance(kid, str):
            raise _invalid()
        if kid not in self._keys:
            async with self._fetching:  # concurrent callers wait for the same read
                if kid not in self._keys and time.monotonic() >= self._fetch_again_at:
                    self._fetch_again_at = time.monotonic() + _REFETCH_S
                    await self.refresh()
        if kid not in self._keys:
            raise _invalid()
        return self._keys[kid]

    @staticmethod
    def _decode(token: str, key: Ed25519PublicKey) -> Principal:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_S,
                options={"require": _CLAIMS},
            )
            return Principal(
                tenant_id=UUID(claims["tid"]),
                user_id=UUID(claims["sub"]),
                role=Role[str(claims["role"]).upper()],
                credential_id=UUID(claims["sid"]),
                expire_us=int(claims["exp"]) * SECOND_US,
            )
        except jwt.ExpiredSignatureError as error:
            raise _expired() from error
        except (jwt.InvalidTokenError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _invalid() from error


def _invalid() -> Unauthenticated:
    return Unauthenticated(reasons.ERROR_REASON_TOKEN_INVALID, "Bearer token is not a valid access token.")


def _expired() -> Unauthenticated:
    return Unauthenticated(reasons.ERROR_REASON_TOKEN_EXPIRED, "Access token has expired. Refresh it.")
