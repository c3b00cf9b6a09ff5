"""The full life of services and checks: periods in which a check was enabled, changing, deleting.

A row of check_periods is a span [start_time, end_time) in which a check was enabled with one interval; open while it
still is. A deleted service or check goes at once; what its results were is removed afterwards, some at a time.
"""

import importlib

from alembic import op

revision = "0003"
down_revision = "0002"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

TABLES = """
CREATE TABLE check_periods (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz CHECK (end_time > start_time),
    interval_us bigint NOT NULL,
    PRIMARY KEY (tenant_id, check_id, start_time),
    FOREIGN KEY (tenant_id, check_id) REFERENCES checks ON DELETE CASCADE
);

CREATE UNIQUE INDEX check_periods_open ON check_periods (tenant_id, check_id) WHERE end_time IS NULL;

INSERT INTO check_periods (tenant_id, check_id, start_time, end_time, interval_us)
    SELECT tenant_id, id, create_time, NULL, interval_us FROM checks;

-- Checks that are gone, whose history is still to be removed.
CREATE TABLE removed_checks (
    tenant_id uuid NOT NULL REFERENCES tenants,
    check_id uuid NOT NULL,
    remove_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, check_id)
);

CREATE INDEX removed_checks_remove_time ON removed_checks (remove_time);
"""

FUNCTIONS = """
-- Removes the history of checks that are gone, at most so many rows, in one place at a time; whether more is left to
-- do here. No result can come after the check has gone: a batch locks the states of its checks, which went with them.
CREATE FUNCTION remove_history(most integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    gone record;
    last_slot timestamptz;
    room integer := most;
    went integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('remove_history', 0)) THEN
        RETURN false;
    END IF;
    FOR gone IN SELECT tenant_id, check_id FROM public.removed_checks ORDER BY remove_time LIMIT 100 LOOP
        SELECT max(slot_time) INTO last_slot FROM (
            SELECT r.slot_time FROM public.results r
            WHERE r.tenant_id = gone.tenant_id AND r.check_id = gone.check_id ORDER BY r.slot_time LIMIT room
        ) AS oldest;
        DELETE FROM public.results r
            WHERE r.tenant_id = gone.tenant_id AND r.check_id = gone.check_id AND r.slot_time <= last_slot;
        GET DIAGNOSTICS went = ROW_COUNT;
        room := room - went;
        IF room <= 0 THEN
            RETURN true;
        END IF;
        DELETE FROM public.removed_checks c WHERE c.tenant_id = gone.tenant_id AND c.check_id = gone.check_id;
    END LOOP;
    RETURN EXISTS (SELECT FROM public.removed_checks);
END
$$;

-- As before, but who has waited for the lock may find in a cached catalogue that the day is not made yet.
CREATE OR REPLACE FUNCTION make_results_partition(day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    name text := 'results_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('make_results_partition'));
    EXECUTE format(
        'CREATE TABLE public.%I PARTITION OF public.results FOR VALUES FROM (%L) TO (%L)',
        name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC'
    );
EXCEPTION
    WHEN duplicate_table THEN NULL;
END
$$;

REVOKE ALL ON FUNCTION remove_history FROM PUBLIC;

GRANT EXECUTE ON FUNCTION remove_history TO sentinel_monitor;
"""

# To lock a row is a right to update: a service that goes locks the states of its checks in the order in which batches
# of results do.
GRANTS = """
GRANT SELECT, INSERT, UPDATE ON check_periods TO sentinel_monitor;

GRANT SELECT ON check_periods TO sentinel_engine, sentinel_worker;

GRANT INSERT ON removed_checks TO sentinel_monitor;

GRANT UPDATE, DELETE ON services, checks TO sentinel_monitor;

GRANT UPDATE (check_id) ON check_states TO sentinel_monitor;
"""

TENANT_OWNED = ("check_periods", "removed_checks")


def upgrade() -> None:
    """Make everything."""
    for statement in statements(TABLES + FUNCTIONS + GRANTS):
        op.execute(statement)
    for table in TENANT_OWNED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} TO sentinel_auth, sentinel_monitor, sentinel_worker "
            "USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)"
        )
    op.execute("CREATE POLICY engine ON check_periods TO sentinel_engine USING (true)")


def downgrade() -> None:
    """What was paused would be probed again: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
