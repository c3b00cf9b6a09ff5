"""Results tell what browsers refuse about a certificate that was accepted; those from before do not."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Make room for it."""
    for table in ("results", "on_demand_results"):
        op.execute(f"ALTER TABLE {table} ADD tls_warning text")


def downgrade() -> None:
    """Forget it."""
    for table in ("on_demand_results", "results"):
        op.execute(f"ALTER TABLE {table} DROP tls_warning")
