"""Columns that hold secrets, and all that secrets need of them (docs/adr/0031).

Such a column is a JSON object in a table with the columns tenant_id and id. HIDDEN stands in the place of each secret,
and beside them `sealed` holds all of them, encrypted for the row and for their audience. Whatever reads the column
without the key shows HIDDEN. services/checks/secret_registry.py lists the columns that there are.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

from services.checks.specs.secrets import HIDDEN
from services.platform.security.secret_box import CannotOpenError, Owner, SecretBox

_SEALED = "sealed"
T = TypeVar("T")


class SecretColumn(ABC, Generic[T]):
    """A column whose values hold secrets; T is what a value is in the program.

    Args:
        table: its table.
        column: its name.
        kind_column: the column that says how a value is read; None where all are read alike.
        entry: what a row of the table is, for people: "check".
        purpose: what is authenticated beside the secrets, so that those of one table do not open as another's.
        fields: the contract's fields that are stored there and marked as secrets, by their full names.

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
        """Return the secrets that a value has, by where they are."""

    @abstractmethod
    def with_secrets(self, value: T, secrets: Mapping[str, str]) -> T:
        """Return a value with these secrets in their places; what is in no place of it is left out."""

    @abstractmethod
    def audience(self, value: T) -> str:
        """Return whom its secrets are for; empty where no field of the value says so."""

    @abstractmethod
    def to_json(self, value: T) -> dict[str, Any]:
        """Return a value as JSON."""

    @abstractmethod
    def from_json(self, kind: str, json: dict[str, Any]) -> T:
        """Return the value that to_json has written."""

    def to_column(self, value: T, tenant_id: UUID, row_id: UUID, box: SecretBox) -> dict[str, Any]:
        """Return a value as the database may hold it.

        Raises:
            FailedPrecondition: SECRETS_KEY_MISSING.
            ValueError: a secret is HIDDEN, and so would be lost.
        """
        secrets = self.secrets(value)
        if not secrets:
            return self.to_json(value)
        if HIDDEN in secrets.values():
            raise ValueError(f"a {self.entry} must be stored together with its secrets")
        hidden = self.with_secrets(value, dict.fromkeys(secrets, HIDDEN))
        sealed = box.seal(self._owner(tenant_id, row_id, value), secrets)
        return self.to_json(hidden) | {_SEALED: sealed}

    def shown(self, kind: str, column: dict[str, Any]) -> T:
        """Return a stored value with HIDDEN in the place of each secret."""
        return self.from_json(kind, {name: value for name, value in column.items() if name != _SEALED})

    def opened(self, kind: str, column: dict[str, Any], tenant_id: UUID, row_id: UUID, box: SecretBox) -> T:
        """Return a stored value with its secrets.

        Raises:
            CannotOpenError: they cannot be decrypted, or are not all there.
        """
        value = self.shown(kind, column)
        if _SEALED in column:
            secrets = box.open(self._owner(tenant_id, row_id, value), column[_SEALED])
            value = self.with_secrets(value, secrets)
        if HIDDEN in self.secrets(value).values():
            raise CannotOpenError(f"the secrets of the {self.entry} are missing")
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
    """A column whose secrets are texts at fixed keys of its JSON object; they are for the row, whatever else it says.

    Args:
        keys: the contract's field that is stored at each of these keys.
    """

    def __init__(self, *, table: str, column: str, entry: str, purpose: bytes, keys: Mapping[str, str]) -> None:
        super().__init__(table=table, column=column, entry=entry, purpose=purpose, fields=keys.values())
        self._keys = frozenset(keys)

    def secrets(self, value: dict[str, Any]) -> Mapping[str, str]:
        """Return those that are not empty."""
        return {key: value[key] for key in self._keys if value.get(key)}

    def with_secrets(self, value: dict[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
        """Return the object with others."""
        return value | {key: secrets[key] for key in self.secrets(value) if key in secrets}

    def audience(self, _value: dict[str, Any]) -> str:
        """Return none."""
        return ""

    def to_json(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return it as it is."""
        return value

    def from_json(self, _kind: str, json: dict[str, Any]) -> dict[str, Any]:
        """Return it as it is."""
        return json
