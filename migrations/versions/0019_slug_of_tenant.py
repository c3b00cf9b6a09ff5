"""Monitor and workers read a tenant's slug: egress allowances name tenants by slug.

It only adds a function, so processes of the version before work on.
"""

import importlib

from alembic import op

revision = "0019"
down_revision = "0018"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

UPGRADE = """
SET LOCAL lock_timeout = '5s';

CREATE FUNCTION slug_of_tenant(wanted uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT slug FROM public.tenants WHERE id = wanted $$;

REVOKE ALL ON FUNCTION slug_of_tenant FROM PUBLIC;

GRANT EXECUTE ON FUNCTION slug_of_tenant TO sentinel_monitor, sentinel_worker;
"""


def upgrade() -> None:
    """Add the function."""
    for statement in statements(UPGRADE):
        op.execute(statement)


def downgrade() -> None:
    """Remove the function."""
    op.execute("DROP FUNCTION slug_of_tenant")
