"""Exit codes of all systems, and the last failure of a heartbeat, which a success soon after no longer hides.

The function of before stays for processes of the version before: their signals are written as they were.
"""

import importlib

from alembic import op

revision = "0024"
down_revision = "0023"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

TABLE = """
ALTER TABLE heartbeats
    DROP CONSTRAINT heartbeats_last_exit_code_check,
    ALTER COLUMN last_exit_code TYPE bigint,
    ADD CHECK (last_exit_code BETWEEN -2147483648 AND 4294967295),
    ADD last_failure_time timestamptz,
    ADD last_failure_code bigint CHECK (last_failure_code BETWEEN -2147483648 AND 4294967295);

GRANT SELECT (last_failure_time, last_failure_code) ON heartbeats TO sentinel_engine;
"""

FUNCTIONS = """
-- Writes signals down, as report_heartbeats(bytea[], smallint[], boolean[], integer[]) does; of each hash also whether
-- any of its signals told of a failure, and the exit code of the last one that did (NULL: failed without one).
CREATE FUNCTION report_heartbeats(
    hashes bytea[], exit_codes bigint[], successes boolean[], failures boolean[], failure_codes bigint[],
    counts integer[]
) RETURNS SETOF bytea
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
    AS $$
    WITH told AS (
        SELECT h.tenant_id, h.check_id, s.exit_code, s.success, s.failure, s.failure_code, s.signals
        FROM unnest(hashes, exit_codes, successes, failures, failure_codes, counts)
            AS s (token_hash, exit_code, success, failure, failure_code, signals)
        JOIN public.heartbeats h ON h.token_hash = s.token_hash
        ORDER BY h.tenant_id, h.check_id
        FOR UPDATE OF h
    )
    UPDATE public.heartbeats h SET
        last_signal_time = greatest(h.last_signal_time, now()),
        last_success_time = CASE WHEN t.success THEN greatest(h.last_success_time, now()) ELSE h.last_success_time END,
        last_failure_time = CASE WHEN t.failure THEN greatest(h.last_failure_time, now()) ELSE h.last_failure_time END,
        last_failure_code = CASE WHEN t.failure THEN t.failure_code ELSE h.last_failure_code END,
        last_exit_code = t.exit_code,
        signals = h.signals + t.signals
    FROM told t WHERE h.tenant_id = t.tenant_id AND h.check_id = t.check_id
    RETURNING h.token_hash
    $$;

REVOKE ALL ON FUNCTION report_heartbeats(bytea[], bigint[], boolean[], boolean[], bigint[], integer[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION report_heartbeats(bytea[], bigint[], boolean[], boolean[], bigint[], integer[])
    TO sentinel_worker;
"""


def upgrade() -> None:
    """Make room for them."""
    for statement in statements(TABLE + FUNCTIONS):
        op.execute(statement)


def downgrade() -> None:
    """Forget what the version before does not know: a failure with such a code becomes one without."""
    op.execute("DROP FUNCTION report_heartbeats(bytea[], bigint[], boolean[], boolean[], bigint[], integer[])")
    op.execute(
        "ALTER TABLE heartbeats DROP last_failure_time, DROP last_failure_code,"
        " DROP CONSTRAINT heartbeats_last_exit_code_check,"
        " ALTER COLUMN last_exit_code TYPE smallint"
        " USING CASE WHEN last_exit_code BETWEEN 0 AND 255 THEN last_exit_code END"
    )
    op.execute("ALTER TABLE heartbeats ADD CHECK (last_exit_code BETWEEN 0 AND 255)")
