"""Specs from before revision 0026 are converted to messages.

In a transaction of its own, because 0026 locks the table of checks: this takes about 0.1 ms a check, during which
checks are read as ever, and a change of a check waits.
"""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Convert them; the trigger of 0026 does it, which has written those of new checks already."""
    op.execute("UPDATE checks SET spec = spec WHERE spec_message IS NULL")


def downgrade() -> None:
    """Nothing: the version before does not read what was converted."""
