"""Signed opaque tokens: page tokens and stream cursors.

A token contains a small payload in plain and an HMAC over payload, purpose, tenant and filter, so that it cannot be
forged, used for another tenant, or used with another filter.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from uuid import UUID

_TAG_BYTES = 16


class InvalidTokenError(Exception):
    """The token was not signed for this purpose, tenant and filter."""


class TokenSigner:
    """Signs payloads and verifies tokens.

    Args:
        key: a secret that all replicas share.
        purpose: the use of the tokens; a token of one purpose is not valid for another one.
    """

    def __init__(self, key: bytes, purpose: str) -> None:
        self._key = hmac.digest(key, purpose.encode(), hashlib.sha256)

    def sign(self, tenant_id: UUID, scope: str, payload: bytes) -> str:
        """Return a signed token of URL-safe characters.

        Args:
            tenant_id: the tenant of the caller.
            scope: the filter.
            payload: the content, which `verify` returns.
        """
        return base64.urlsafe_b64encode(payload + self._tag(tenant_id, scope, payload)).rstrip(b"=").decode()

    def verify(self, tenant_id: UUID, scope: str, token: str) -> bytes:
        """Verify a token and return its payload.

        Raises:
            InvalidTokenError: it was not signed for this tenant and scope.
        """
        try:
            sealed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise InvalidTokenError from error
        payload, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(tenant_id, scope, payload)):
            raise InvalidTokenError
        return payload

    def _tag(self, tenant_id: UUID, scope: str, payload: bytes) -> bytes:
        encoded = scope.encode()
        message = tenant_id.bytes + struct.pack(">I", len(encoded)) + encoded + payload
        return hmac.digest(self._key, message, hashlib.sha256)[:_TAG_BYTES]
