"""Removal of expired rows and keys: spent tokens, expired invitations, ended sessions, retired signing keys."""

import asyncio
from typing import TYPE_CHECKING

from services.auth.signing import Keyring
from services.platform import logs
from services.platform.errors import SentinelError

if TYPE_CHECKING:
    from services.auth.store.installation import InstallationSql

# A fixed schedule without retries: the next round does what a failed one did not.
_INTERVAL_S = 60.0
_BATCH_SIZE = 1_000
_MOST_STEPS = 100
_log = logs.get("housekeeping")


class Housekeeping:
    """A loop that removes what has expired. All replicas run it; the deletions are idempotent.

    Args:
        store: the expiring data in PostgreSQL.
        keyring: the signing keys, retired ones included.
    """

    def __init__(self, store: "InstallationSql", keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    async def run(self) -> None:
        """Remove what has expired every minute, until cancelled."""
        while True:
            try:
                await self.remove_expired()
            except SentinelError:
                _log.debug("housekeeping postponed: database unavailable")
            await asyncio.sleep(_INTERVAL_S)

    async def remove_expired(self) -> None:
        """Remove what has expired, once.

        Raises:
            Unavailable: the database is unavailable.
        """
        self._keyring.reload()
        # Files first: a key whose row was removed could be published again from its file.
        published = await self._store.published_kids()
        for key in self._keyring.former:
            if key.kid not in published:
                self._keyring.drop(key)
        for _ in range(_MOST_STEPS):
            if await self._store.forget_expired(_BATCH_SIZE) < _BATCH_SIZE:
                break
