"""Incidents of a whole tenant by when they ended: the overview counts those of a day."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the index."""
    op.execute("CREATE INDEX incidents_of_tenant ON incidents (tenant_id, end_time)")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX incidents_of_tenant")
