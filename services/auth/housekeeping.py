"""What time makes meaningless goes: spent tokens, expired invitations, ended sessions, retired keys."""

import asyncio
from typing import TYPE_CHECKING

from services.auth.signing import Keyring
from services.platform import logs
from services.platform.errors import SentinelError

if TYPE_CHECKING:
    from services.auth.store.installation import InstallationSql

_EVERY_S = 60.0
_A_STEP = 1_000
_MOST_STEPS = 100
_log = logs.get("housekeeping")


class Housekeeping:
    """Tidies up now and then. Every replica does; what one has removed the next does not find.

    Args:
        store: where things expire.
        keyring: where retired keys lie.
    """

    def __init__(self, store: "InstallationSql", keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    async def run(self) -> None:
        """Tidy up until cancelled."""
        while True:
            try:
                await self.tidy()
            except SentinelError:
                _log.debug("housekeeping postponed: database unavailable")
            await asyncio.sleep(_EVERY_S)

    async def tidy(self) -> None:
        """Tidy up once.

        Raises:
            Unavailable: the database is away.
        """
        self._keyring.reload()
        # Files first: a row that is gone could be published again from its file.
        published = await self._store.published_kids()
        for key in self._keyring.former:
            if key.kid not in published:
                self._keyring.drop(key)
        for _ in range(_MOST_STEPS):
            if await self._store.forget_expired(_A_STEP) < _A_STEP:
                break
