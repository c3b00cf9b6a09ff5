"""The list of all columns that contain secrets.

To store a secret in another table, give the table the columns tenant_id, id and one of JSONB, mark the contract's field
with `(sentinel.options.v1.secret) = true`, and add an entry here. The entry encrypts, decrypts and hides it; monitor's
start and `rotate-secrets` re-encrypt it; the tests search for it in a dump of the database.
"""

from collections.abc import Sequence
from typing import Any

from services.checks.secret_columns import SecretColumn
from services.checks.specs.column import CHECK_SPECS

SECRET_COLUMNS: Sequence[SecretColumn[Any]] = (CHECK_SPECS,)
