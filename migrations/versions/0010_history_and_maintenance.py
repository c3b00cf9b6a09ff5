"""Monitor lists runs on demand."""

from alembic import op

revision = "0010"
down_revision = "0007"


def upgrade() -> None:
    """Let monitor read them."""
    op.execute("GRANT SELECT ON on_demand_results TO sentinel_monitor")


def downgrade() -> None:
    """Take it back."""
    op.execute("REVOKE SELECT ON on_demand_results FROM sentinel_monitor")
