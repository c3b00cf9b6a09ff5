"""Maintenance windows can be changed, and know when they were."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add when; what is there was changed last when it was made."""
    op.execute("ALTER TABLE maintenance_windows ADD update_time timestamptz")
    op.execute("UPDATE maintenance_windows SET update_time = create_time")
    op.execute("ALTER TABLE maintenance_windows ALTER update_time SET NOT NULL")


def downgrade() -> None:
    """Forget it."""
    op.execute("ALTER TABLE maintenance_windows DROP update_time")
