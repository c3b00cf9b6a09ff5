"""Results tell which assertions failed, and whether a run was slow; those from before tell of none."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make room for it."""
    for table in ("results", "on_demand_results"):
        op.execute(f"ALTER TABLE {table} ADD failed_assertions text, ADD slow boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    """Forget it."""
    for table in ("on_demand_results", "results"):
        op.execute(f"ALTER TABLE {table} DROP slow, DROP failed_assertions")
