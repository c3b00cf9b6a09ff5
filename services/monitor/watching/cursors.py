"""The cursors of WatchServices."""

from functools import lru_cache
from uuid import UUID

from services.monitor.watching.watch_digest import DIGEST_BYTES
from services.platform.cursors import open_cursor
from services.platform.security.signed_tokens import TokenSigner

# Readers of the same services are often at the same point, so they share one signature.
_REMEMBERED = 256


class WatchCursors:
    """Signs the digest of what a reader was sent (watch_digest.py) as a cursor, and verifies it.

    Args:
        signer: signs cursors, so that none can be forged or used for another tenant or filter.
    """

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer
        self.write = lru_cache(_REMEMBERED)(signer.sign)

    def read(self, tenant_id: UUID, scope: str, cursor: str) -> bytes:
        """Return the digest in a cursor.

        Args:
            tenant_id: the tenant of the reader.
            scope: the filter of the stream.
            cursor: as the client sent it.

        Raises:
            InvalidArgument: CURSOR_INVALID.
        """
        return open_cursor(self._signer, tenant_id, scope, cursor, DIGEST_BYTES)
