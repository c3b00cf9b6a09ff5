"""API keys that expire at the last microsecond of the year 9999.

asyncpg writes that microsecond as infinity, which is no point in time: no list with such a key could be read. Requests
with it are refused now; keys from before expire a microsecond sooner.
"""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Repair them; only their rows are locked."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("UPDATE api_keys SET expire_time = '9999-12-31 23:59:59.999998+00' WHERE expire_time = 'infinity'")


def downgrade() -> None:
    """Nothing to undo."""
