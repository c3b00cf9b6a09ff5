"""What was changed lately, for workers that missed a notification."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the index."""
    op.execute("CREATE INDEX checks_update_time ON checks (update_time)")


def downgrade() -> None:
    """Drop the index."""
    op.execute("DROP INDEX checks_update_time")
