"""Columns that contain secrets, with their encryption (docs/adr/0031).

Such a column is a JSON object in a table with the columns tenant_id and id. HIDDEN replaces each secret, and `sealed`
contains all of them, encrypted for the row and for their audience. Code that reads the column without the key shows
HIDDEN. services/checks/secret_registry.py lists the columns.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

from services.checks.specs.secrets import HIDDEN
from services.platform.security.secret_box import DecryptionError, Owner, SecretBox

_ENCRYPTED = "sealed"
T = TypeVar("T")


class SecretColumn(ABC, Generic[T]):
    """A column whose values contain secrets; T is the type of a value in the program.

    Args:
        table: the name of its table.
        column: its name.
        kind_column: the column with the kind of a value; None if all values are of one kind.
        entry: the kind of row, for messages: "check".
        purpose: associated data of the encryption, so that ciphertexts of one table are invalid in another one.
        fields: the full names of the contract's fields that are stored there and marked as secrets.

    Attributes:
        table: as given.
        column: as given.
        kind_column: as given.
        entry: as given.
        fields: as given.
    """

    def __init__(
        self,
        *,
        table: str,
        column: str,
        kind_column: str | None = None,
        entry: str,
        purpose: bytes,
        fields: Collection[str],
    ) -> None:
        self.table = table
        self.column = column
        self.kind_column = kind_column
        self.entry = entry
        self.fields = frozenset(fields)
        self._purpose = purpose

    @abstractmethod
    def secrets(self, value: T) -> Mapping[str, str]:
        """Return the secrets of a value, by their place."""

    @abstractmethod
    def with_secrets(self, value: T, secrets: Mapping[str, str]) -> T:
        """Return a value with these secrets in their places; secrets without a place are ignored."""

    @abstractmethod
    def audience(self, value: T) -> str:
        """Return the audience of its secrets; empty if no field of the value determines it."""

    @abstractmethod
    def to_json(self, value: T) -> dict[str, Any]:
        """Return a value as JSON."""

    @abstractmethod
    def from_json(self, kind: str, json: dict[str, Any]) -> T:
        """Return the value from the JSON of to_json."""

    def to_column(self, value: T, tenant_id: UUID, row_id: UUID, box: SecretBox) -> dict[str, Any]:
        """Return a value as stored, with its secrets encrypted.

        Raises:
            FailedPrecondition: SECRETS_KEY_MISSING.
            ValueError: a secret is HIDDEN and would be lost.
        """
        secrets = self.secrets(value)
        if not secrets:
            return self.to_json(value)
        if HIDDEN in secrets.values():
            raise ValueError(f"a {self.entry} must be stored together with its secrets")
        hidden = self.with_secrets(value, dict.fromkeys(secrets, HIDDEN))
        sealed = box.encrypt(self._owner(tenant_id, row_id, value), secrets)
        return self.to_json(hidden) | {_ENCRYPTED: sealed}

    def masked(self, kind: str, column: dict[str, Any]) -> T:
        """Return a stored value with HIDDEN in place of each secret."""
        return self.from_json(kind, {name: value for name, value in column.items() if name != _ENCRYPTED})

    def decrypted(self, kind: str, column: dict[str, Any], tenant_id: UUID, row_id: UUID, box: SecretBox) -> T:
        """Return a stored value with its secrets decrypted.

        Raises:
            DecryptionError: they cannot be decrypted, or some are missing.
        """
        value = self.masked(kind, column)
        if _ENCRYPTED in column:
            secrets = box.decrypt(self._owner(tenant_id, row_id, value), column[_ENCRYPTED])
            value = self.with_secrets(value, secrets)
        if HIDDEN in self.secrets(value).values():
            raise DecryptionError(f"the secrets of the {self.entry} are missing")
        return value

    def _owner(self, tenant_id: UUID, row_id: UUID, value: T) -> Owner:
        return Owner(
            purpose=self._purpose,
            entry=self.entry,
            tenant_id=tenant_id,
            row_id=row_id,
            audience=self.audience(value),
        )


class SecretTexts(SecretColumn[dict[str, Any]]):
    """A column whose secrets are strings at fixed keys of its JSON object, bound to the row only.

    Args:
        keys: the contract's field for each of these keys.
    """

    def __init__(self, *, table: str, column: str, entry: str, purpose: bytes, keys: Mapping[str, str]) -> None:
        super().__init__(table=table, column=column, entry=entry, purpose=purpose, fields=keys.values())
        self._keys = frozenset(keys)

    def secrets(self, value: dict[str, Any]) -> Mapping[str, str]:
        """Return the secrets that are not empty."""
        return {key: value[key] for key in self._keys if value.get(key)}

    def with_secrets(self, value: dict[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
        """Return the object with other secrets."""
        return value | {key: secrets[key] for key in self.secrets(value) if key in secrets}

    def audience(self, _value: dict[str, Any]) -> str:
        """Return an empty audience."""
        return ""

    def to_json(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the object unchanged."""
        return value

    def from_json(self, _kind: str, json: dict[str, Any]) -> dict[str, Any]:
        """Return the object unchanged."""
        return json
