"""Secrets of checks are encrypted: which checks hold some in the open, or under another key than the newest.

The rows themselves are changed by whoever has the key: monitor, when it starts, and `rotate-secrets`.
"""

import importlib

from alembic import op

revision = "0014"
down_revision = "0013"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

CHANGES = """
-- Sealing is for all tenants: it learns which checks to look at, and then acts as each tenant. What stands in the place
-- of a secret is the string that shows it hidden.
CREATE FUNCTION checks_to_seal(
    newest text, secret_name text, hidden text, after_tenant uuid, after_check uuid, most int
)
    RETURNS TABLE (tenant_id uuid, check_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT c.tenant_id, c.id FROM public.checks c
        WHERE (c.tenant_id, c.id) > (after_tenant, after_check)
          AND (c.spec->'sealed'->>'key' <> newest OR c.kind = 'http' AND EXISTS (
              SELECT FROM jsonb_array_elements(c.spec->'headers') AS h
              WHERE h->>0 ~* secret_name AND h->>1 NOT IN (hidden, '')))
        ORDER BY c.tenant_id, c.id LIMIT most
    $$;

REVOKE ALL ON FUNCTION checks_to_seal FROM PUBLIC;

GRANT EXECUTE ON FUNCTION checks_to_seal TO sentinel_monitor;
"""


def upgrade() -> None:
    """Make it."""
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    """What was encrypted since could not be read: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
