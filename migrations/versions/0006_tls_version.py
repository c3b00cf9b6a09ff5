"""Results tell the TLS version; those from before lack it."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make room for it."""
    op.execute("ALTER TABLE results ADD tls_version text")
    op.execute("ALTER TABLE on_demand_results ADD tls_version text")


def downgrade() -> None:
    """Forget it."""
    op.execute("ALTER TABLE on_demand_results DROP tls_version")
    op.execute("ALTER TABLE results DROP tls_version")
