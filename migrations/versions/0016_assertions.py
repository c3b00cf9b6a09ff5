"""Results tell which assertions failed, and whether a run was slow; figures, how many were. Those from before: none."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make room for it."""
    for table in ("results", "on_demand_results"):
        op.execute(f"ALTER TABLE {table} ADD failed_assertions text, ADD slow boolean NOT NULL DEFAULT false")
    for table in ("check_hours", "check_days"):
        op.execute(f"ALTER TABLE {table} ADD slow_slots integer NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Forget it."""
    for table in ("check_days", "check_hours"):
        op.execute(f"ALTER TABLE {table} DROP slow_slots")
    for table in ("on_demand_results", "results"):
        op.execute(f"ALTER TABLE {table} DROP slow, DROP failed_assertions")
