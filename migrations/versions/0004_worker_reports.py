"""Workers report how they are when they renew their leases, and requests may read it.

A worker belongs to no tenant, and nothing here tells of one.
"""

import importlib

from alembic import op

revision = "0004"
down_revision = "0003"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

# Who is in the table renews within seconds, with a report, or is gone: nothing is worth keeping.
UPGRADE = """
DELETE FROM workers;

ALTER TABLE workers
    ADD instance_id uuid NOT NULL CONSTRAINT workers_instance_id UNIQUE,
    ADD host text NOT NULL,
    ADD version text NOT NULL,
    ADD checks_held integer NOT NULL,
    ADD runs_in_flight integer NOT NULL,
    ADD runs_waiting integer NOT NULL,
    ADD lag_p50_us integer,
    ADD lag_p99_us integer,
    ADD runs_per_second double precision NOT NULL;

GRANT SELECT ON workers, shard_leases TO sentinel_worker;
"""

DOWNGRADE = """
REVOKE SELECT ON workers, shard_leases FROM sentinel_worker;

ALTER TABLE workers
    DROP instance_id, DROP host, DROP version, DROP checks_held, DROP runs_in_flight, DROP runs_waiting,
    DROP lag_p50_us, DROP lag_p99_us, DROP runs_per_second;
"""


def upgrade() -> None:
    """Add the columns."""
    for statement in statements(UPGRADE):
        op.execute(statement)


def downgrade() -> None:
    """Take them away."""
    for statement in statements(DOWNGRADE):
        op.execute(statement)
