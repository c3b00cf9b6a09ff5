"""Cursors of those who watch services."""

from functools import lru_cache
from uuid import UUID

from services.monitor.watching.told import TOLD_BYTES
from services.platform.cursors import open_cursor
from services.platform.security.sealed import Sealer

# Readers that keep up with the same services stand at the same point, so one seal serves them all.
_REMEMBERED = 256


class WatchCursors:
    """Writes what a reader was told (told.py) as a cursor, and reads it back.

    Args:
        sealer: seals them, so that none can be forged or carried to another tenant or filter.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self.write = lru_cache(_REMEMBERED)(sealer.seal)

    def read(self, tenant_id: UUID, scope: str, cursor: str) -> bytes:
        """What the reader was told.

        Args:
            tenant_id: whose.
            scope: the filter of the stream.
            cursor: as the client sent it.

        Raises:
            InvalidArgument: CURSOR_INVALID.
        """
        return open_cursor(self._sealer, tenant_id, scope, cursor, TOLD_BYTES)
