"""Opaque tokens that only we can have made: page tokens and stream cursors.

A token carries a small payload in the open and an HMAC over it, the purpose, the tenant and the filter, so that one
cannot be forged, carried to another tenant, or used with another filter.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from uuid import UUID

_TAG_BYTES = 16


class SealError(Exception):
    """The token is not one that was sealed for this purpose, tenant and filter."""


class Sealer:
    """Seals and opens payloads.

    Args:
        key: a secret that all replicas share.
        purpose: what the tokens are for; one purpose's tokens do not open as another's.
    """

    def __init__(self, key: bytes, purpose: str) -> None:
        self._key = hmac.digest(key, purpose.encode(), hashlib.sha256)

    def seal(self, tenant_id: UUID, scope: str, payload: bytes) -> str:
        """A token of URL-safe characters.

        Args:
            tenant_id: whose it is.
            scope: the filter it belongs to.
            payload: what to get back.
        """
        return base64.urlsafe_b64encode(payload + self._tag(tenant_id, scope, payload)).rstrip(b"=").decode()

    def open(self, tenant_id: UUID, scope: str, token: str) -> bytes:
        """The payload.

        Raises:
            SealError: it was not sealed with this tenant and scope.
        """
        try:
            sealed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise SealError from error
        payload, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(tenant_id, scope, payload)):
            raise SealError
        return payload

    def _tag(self, tenant_id: UUID, scope: str, payload: bytes) -> bytes:
        encoded = scope.encode()
        message = tenant_id.bytes + struct.pack(">I", len(encoded)) + encoded + payload
        return hmac.digest(self._key, message, hashlib.sha256)[:_TAG_BYTES]
