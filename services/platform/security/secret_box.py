"""Encryption of secrets for the database (docs/adr/0022).

AES-256-GCM with purpose, tenant, row and audience as associated data, so a ciphertext that is copied to another row or
paired with another target cannot be decrypted.
"""

import base64
import binascii
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import FailedPrecondition
from services.platform.security.secret_keys import SecretKeys

_NONCE_BYTES = 12


class DecryptionError(Exception):
    """Secrets cannot be decrypted. The message is shown to the tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The row to which secrets belong; all fields except `entry` are authenticated.

    Attributes:
        purpose: the use, which is the same for all rows of a table.
        entry: the kind of row, for messages: "check".
        tenant_id: the tenant of the row.
        row_id: the id of the row.
        audience: the origin to which the secrets may be sent.
    """

    purpose: bytes
    entry: str
    tenant_id: UUID
    row_id: UUID
    audience: str

    def bound(self) -> bytes:
        """Return the associated data of the encryption."""
        return b"".join(
            struct.pack(">I", len(part)) + part
            for part in (self.purpose, self.tenant_id.bytes, self.row_id.bytes, self.audience.encode())
        )


class SecretBox:
    """Encrypts and decrypts secrets.

    Args:
        keys: the keys of the installation.
    """

    def __init__(self, keys: SecretKeys) -> None:
        self._keys = keys

    @property
    def newest(self) -> str | None:
        """The id of the key that encrypts; None without keys."""
        key = self._keys.newest
        return key.id if key else None

    def encrypt(self, owner: Owner, secrets: Mapping[str, str]) -> dict[str, str]:
        """Encrypt secrets for the database.

        Raises:
            FailedPrecondition: SECRETS_KEY_MISSING.
        """
        key = self._keys.newest
        if key is None:
            raise FailedPrecondition(
                reasons.ERROR_REASON_SECRETS_KEY_MISSING,
                "No encryption key is configured. The operator must set SENTINEL_SECRETS_KEY before secrets can be "
                "stored.",
            )
        nonce = os.urandom(_NONCE_BYTES)
        sealed = key.cipher.encrypt(nonce, orjson.dumps(dict(secrets)), owner.bound())
        return {"key": key.id, "data": base64.b64encode(nonce + sealed).decode()}

    def decrypt(self, owner: Owner, sealed: Mapping[str, Any]) -> dict[str, str]:
        """Decrypt secrets.

        Raises:
            DecryptionError: the key is not configured, or they were encrypted for another owner.
        """
        key = self._keys.find(str(sealed.get("key")))
        if key is None:
            raise DecryptionError(
                f"cannot decrypt the secrets of the {owner.entry}: the key that encrypted them is not configured"
            )
        try:
            data = base64.b64decode(str(sealed.get("data")), validate=True)
            opened: dict[str, str] = orjson.loads(
                key.cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], owner.bound())
            )
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise DecryptionError(
                f"cannot decrypt the secrets of the {owner.entry}: they were modified, or belong to another one"
            ) from error
        return opened


NO_KEYS = SecretBox(SecretKeys())
"""A box without keys: it neither encrypts nor decrypts."""
