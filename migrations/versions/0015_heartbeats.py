"""What jobs report: one row for each heartbeat, with the hash of the token that its signals are sent with.

A signal comes without a tenant, so it is written by a function that takes tokens' hashes and answers which of them are
any heartbeat's, no more. The engine reads what was reported, for all tenants, and when nobody could take signals.
"""

import importlib

from alembic import op

revision = "0015"
down_revision = "0014"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

# Each signal rewrites its row: room in the page lets that happen without the indexes.
TABLE = """
CREATE TABLE heartbeats (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    last_signal_time timestamptz,
    last_success_time timestamptz,
    last_exit_code smallint CHECK (last_exit_code BETWEEN 0 AND 255),
    signals bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, check_id),
    FOREIGN KEY (tenant_id, check_id) REFERENCES checks ON DELETE CASCADE
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX heartbeats_token_hash ON heartbeats (token_hash);

-- One row: when a worker last said that it takes signals, and the last span in which none did.
CREATE TABLE heartbeat_reception (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    last_time timestamptz NOT NULL,
    outage_start_time timestamptz,
    outage_end_time timestamptz
) WITH (fillfactor = 10);

INSERT INTO heartbeat_reception VALUES (true, now());
"""

FUNCTIONS = """
-- Writes signals down; answers the hashes that are a heartbeat's. Of each hash one entry: the exit code of its last
-- signal (NULL: failed without one), whether any of them told of a success, and how many they are. Locked in order, so
-- that two who write at once wait for each other and never both. Whatever the tables' sizes, an index finds the few.
CREATE FUNCTION report_heartbeats(
    hashes bytea[], exit_codes smallint[], successes boolean[], counts integer[]
) RETURNS SETOF bytea
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
    AS $$
    WITH told AS (
        SELECT h.tenant_id, h.check_id, s.exit_code, s.success, s.signals
        FROM unnest(hashes, exit_codes, successes, counts) AS s (token_hash, exit_code, success, signals)
        JOIN public.heartbeats h ON h.token_hash = s.token_hash
        ORDER BY h.tenant_id, h.check_id
        FOR UPDATE OF h
    )
    UPDATE public.heartbeats h SET
        last_signal_time = greatest(h.last_signal_time, now()),
        last_success_time = CASE WHEN t.success THEN greatest(h.last_success_time, now()) ELSE h.last_success_time END,
        last_exit_code = t.exit_code,
        signals = h.signals + t.signals
    FROM told t WHERE h.tenant_id = t.tenant_id AND h.check_id = t.check_id
    RETURNING h.token_hash
    $$;

REVOKE ALL ON FUNCTION report_heartbeats FROM PUBLIC;

GRANT EXECUTE ON FUNCTION report_heartbeats TO sentinel_worker;
"""

GRANTS = """
GRANT INSERT, SELECT (tenant_id, check_id), UPDATE (token_hash) ON heartbeats TO sentinel_monitor;

GRANT SELECT, UPDATE ON heartbeat_reception TO sentinel_worker;

GRANT SELECT ON heartbeat_reception TO sentinel_engine;

GRANT SELECT (tenant_id, check_id, last_signal_time, last_success_time, last_exit_code) ON heartbeats
    TO sentinel_engine;
"""


def upgrade() -> None:
    """Make everything."""
    for statement in statements(TABLE + FUNCTIONS + GRANTS):
        op.execute(statement)
    op.execute("ALTER TABLE heartbeats ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant_isolation ON heartbeats TO sentinel_auth, sentinel_monitor, sentinel_worker "
        "USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)"
    )
    op.execute("CREATE POLICY engine ON heartbeats FOR SELECT TO sentinel_engine USING (true)")


def downgrade() -> None:
    """Jobs would go on with tokens that nobody knows: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
