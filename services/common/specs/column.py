"""Between specs and the column `spec` of a check: there secrets are encrypted, and HIDDEN stands in their place.

The column is the spec's JSON, with `sealed` beside it where it has secrets.
"""

from typing import Any
from uuid import UUID

from services.common.secret_box import CannotOpenError, Owner, SecretBox
from services.common.specs.kinds import KINDS
from services.common.specs.secrets import HIDDEN
from services.common.specs.spec import Spec

_SEALED = "sealed"


def to_column(spec: Spec, tenant_id: UUID, check_id: UUID, box: SecretBox) -> dict[str, Any]:
    """A spec as the database may hold it.

    Raises:
        FailedPrecondition: SECRETS_KEY_MISSING.
        ValueError: a secret is HIDDEN, and so would be lost.
    """
    secrets = spec.secret_fields()
    if not secrets:
        return spec.to_json()
    if HIDDEN in secrets.values():
        raise ValueError("a spec is stored with its secrets, or not at all")
    return spec.hidden().to_json() | {_SEALED: box.seal(Owner(tenant_id, check_id, spec.audience), secrets)}


def shown(kind: str, column: dict[str, Any]) -> Spec:
    """A spec without its secrets."""
    return KINDS[kind].from_json({name: value for name, value in column.items() if name != _SEALED})


def opened(kind: str, column: dict[str, Any], tenant_id: UUID, check_id: UUID, box: SecretBox) -> Spec:
    """A spec with its secrets.

    Raises:
        CannotOpenError: they cannot be decrypted, or are not all there.
    """
    spec = shown(kind, column)
    if _SEALED in column:
        spec = spec.with_secrets(box.open(Owner(tenant_id, check_id, spec.audience), column[_SEALED]))
    if HIDDEN in spec.secret_fields().values():
        raise CannotOpenError("the check's secrets are not there")
    return spec
