"""Every column that holds secrets, once.

To store a secret in a further table, give the table the columns tenant_id, id and one of JSONB, mark the contract's
field with `(sentinel.options.v1.secret) = true`, and add an entry here. The entry encrypts and opens it and shows it as
"[secret]"; monitor's start and `rotate-secrets` encrypt it anew; the tests search for it in a dump of the database.
"""

from collections.abc import Sequence
from typing import Any

from services.checks.secret_columns import SecretColumn
from services.checks.specs.column import CHECK_SPECS

SECRET_COLUMNS: Sequence[SecretColumn[Any]] = (CHECK_SPECS,)
