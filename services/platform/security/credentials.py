"""From the bearer of a call to its principal: access tokens, API keys, and what was revoked since.

Also remembers which credentials were used, and writes that down now and then, so that people can tell which are alive.
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

_WRITE_S = 5.0
_MOST_UNWRITTEN = 10_000
_log = logs.get("credentials")


class Credentials:
    """Identifies callers.

    Args:
        tokens: verifies access tokens.
        api_keys: verifies API keys.
        revocations: knows what was revoked meanwhile.
        store: where use is written down.
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
        """Whom a bearer token speaks for, as of now.

        Raises:
            Unauthenticated: TOKEN_INVALID, TOKEN_EXPIRED or SESSION_ENDED.
            PermissionDenied: TENANT_SUSPENDED.
            Unavailable: what is needed to tell cannot be read.
        """
        verifier = self._api_keys if bearer.startswith(PREFIX) else self._tokens
        principal = self._revocations.admit(await verifier.verify(bearer))
        if len(self._used) < _MOST_UNWRITTEN:
            self._used[principal.credential_id] = principal.tenant_id
        return principal

    async def run(self) -> None:
        """Write down what was used, until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_S)
            used, self._used = self._used, {}
            if not used:
                continue
            try:
                await self._store.note_use([(tenant_id, credential) for credential, tenant_id in used.items()])
            except SentinelError:
                _log.debug("last use of credentials not recorded: database unavailable")
