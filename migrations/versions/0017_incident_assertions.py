"""Incidents tell which assertions their first failing slot failed. Those from before: none."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the column, as results have it."""
    op.execute("ALTER TABLE incidents ADD failed_assertions text")


def downgrade() -> None:
    """Forget them."""
    op.execute("ALTER TABLE incidents DROP failed_assertions")
