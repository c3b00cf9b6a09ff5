"""Invitations of the operator to register a tenant.

They belong to no tenant. It only adds a table, so processes of the version before work on.
"""

import importlib

from alembic import op

revision = "0020"
down_revision = "0019"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

UPGRADE = """
SET LOCAL lock_timeout = '5s';

CREATE TABLE tenant_invitations (
    id uuid PRIMARY KEY,
    token_hash bytea NOT NULL CONSTRAINT tenant_invitations_token UNIQUE,
    note text NOT NULL,
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL
);

GRANT SELECT, INSERT, DELETE ON tenant_invitations TO sentinel_auth;
"""


def upgrade() -> None:
    """Add the table."""
    for statement in statements(UPGRADE):
        op.execute(statement)


def downgrade() -> None:
    """Remove the table, and with it invitations that nobody has used."""
    op.execute("DROP TABLE tenant_invitations")
