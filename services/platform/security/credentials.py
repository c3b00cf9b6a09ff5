"""Identification of callers: from a bearer token to its principal, with revocations applied.

It also records periodically which credentials were used, for the lists of sessions and API keys.
"""

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from services.platform import logs
from services.platform.errors import SentinelError
from services.platform.security.api_keys import PREFIX, ApiKeyVerifier
from services.platform.security.principal import Principal
from services.platform.security.revocations import Revocations
from services.platform.security.tokens import TokenVerifier

if TYPE_CHECKING:
    from services.platform.postgres.common_store import CommonStore

# A fixed schedule without retries: data that could not be written is dropped.
_WRITE_S = 5.0
_MOST_UNWRITTEN = 10_000
_log = logs.get("credentials")


class Credentials:
    """Identifies callers.

    Args:
        tokens: verifies access tokens.
        api_keys: verifies API keys.
        revocations: the revoked credentials.
        store: records the use.
    """

    def __init__(
        self, tokens: TokenVerifier, api_keys: ApiKeyVerifier, revocations: Revocations, store: "CommonStore"
    ) -> None:
        self._tokens = tokens
        self._api_keys = api_keys
        self._revocations = revocations
        self._store = store
        self._used: dict[UUID, UUID] = {}

    async def identify(self, bearer: str) -> Principal:
        """Return the principal of a bearer token.

        Raises:
            Unauthenticated: TOKEN_INVALID, TOKEN_EXPIRED or SESSION_ENDED.
            PermissionDenied: TENANT_SUSPENDED.
            Unavailable: the database is unavailable, and the credential is not cached.
        """
        verifier = self._api_keys if bearer.startswith(PREFIX) else self._tokens
        principal = self._revocations.admit(await verifier.verify(bearer))
        if len(self._used) < _MOST_UNWRITTEN:
            self._used[principal.credential_id] = principal.tenant_id
        return principal

    async def run(self) -> None:
        """Record the use of credentials every 5 s, until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_S)
            used, self._used = self._used, {}
            if not used:
                continue
            try:
                await self._store.record_key_use([(tenant_id, credential) for credential, tenant_id in used.items()])
            except SentinelError:
                _log.debug("last use of credentials not recorded: database unavailable")
