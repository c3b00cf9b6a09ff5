"""Checks pause between attempts; results tell which attempts failed before the last one, and how many did not fit.

Columns with defaults are added: processes of the version before keep working. Checks from before get the default pause.
"""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Make room for it."""
    op.execute("ALTER TABLE checks ADD retry_delay_us bigint NOT NULL DEFAULT 250000")
    for table in ("results", "on_demand_results"):
        op.execute(f"ALTER TABLE {table} ADD attempts text")


def downgrade() -> None:
    """Forget it."""
    for table in ("on_demand_results", "results"):
        op.execute(f"ALTER TABLE {table} DROP attempts")
    op.execute("ALTER TABLE checks DROP retry_delay_us")
