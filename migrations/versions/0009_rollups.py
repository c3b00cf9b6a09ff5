"""Closed hours and days of each check, up to its mark; results of days that are gone are dropped (docs/adr/0019).

The role sentinel_rollup reads what figures are made of, for all tenants, and writes them; it may change nothing else.
"""

import importlib

from alembic import op

revision = "0009"
down_revision = "0008"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

ROLE = "sentinel_rollup"

TABLES = """
-- A check's mark: hours that end at or before rolled_time are closed, and are in check_hours.
CREATE TABLE check_rollups (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    rolled_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, check_id),
    FOREIGN KEY (tenant_id, check_id) REFERENCES checks ON DELETE CASCADE
);

CREATE INDEX check_rollups_rolled_time ON check_rollups (rolled_time, tenant_id, check_id);

INSERT INTO check_rollups SELECT tenant_id, id, date_trunc('hour', create_time, 'UTC') FROM checks;

-- An hour in which a check was off has no row. What a deleted check leaves is removed with its results.
CREATE TABLE check_hours (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    start_time timestamptz NOT NULL,
    life_us bigint NOT NULL,
    up_us bigint NOT NULL,
    down_us bigint NOT NULL,
    up_slots integer NOT NULL,
    down_slots integer NOT NULL,
    error_slots integer NOT NULL,
    missed_slots integer NOT NULL,
    latencies bytea NOT NULL,
    p95_us integer,
    PRIMARY KEY (tenant_id, check_id, start_time)
);

CREATE TABLE check_days (LIKE check_hours INCLUDING INDEXES);
"""

FUNCTIONS = """
-- What removes the history of checks that are gone removes their hours and days too.
CREATE OR REPLACE FUNCTION remove_history(most integer) RETURNS boolean
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
        DELETE FROM public.check_hours h USING (
            SELECT start_time FROM public.check_hours
            WHERE tenant_id = gone.tenant_id AND check_id = gone.check_id ORDER BY start_time LIMIT room
        ) AS oldest
            WHERE h.tenant_id = gone.tenant_id AND h.check_id = gone.check_id AND h.start_time = oldest.start_time;
        GET DIAGNOSTICS went = ROW_COUNT;
        room := room - went;
        IF room <= 0 THEN
            RETURN true;
        END IF;
        DELETE FROM public.check_days d WHERE d.tenant_id = gone.tenant_id AND d.check_id = gone.check_id;
        DELETE FROM public.removed_checks c WHERE c.tenant_id = gone.tenant_id AND c.check_id = gone.check_id;
    END LOOP;
    RETURN EXISTS (SELECT FROM public.removed_checks);
END
$$;

-- Drops the oldest day of results if it is before a day and nobody needs it any more; the day, or NULL. A result holds
-- for two days at most, so a day is needed until the marks of all checks are two days behind it. Dropping locks the
-- whole table for an instant: who reads it for long is not waited for, and the day goes another time.
CREATE FUNCTION drop_results_day(before date) RETURNS date
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms'
    AS $$
DECLARE
    name text;
    day date;
BEGIN
    SELECT c.relname, to_date(right(c.relname, 8), 'YYYYMMDD') INTO name, day
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.results'::regclass AND c.relname ~ '^results_[0-9]{8}$'
        ORDER BY c.relname LIMIT 1;
    IF day IS NULL OR day >= before OR EXISTS (
        SELECT FROM public.check_rollups WHERE rolled_time < (day + 3)::timestamp AT TIME ZONE 'UTC'
    ) THEN
        RETURN NULL;
    END IF;
    EXECUTE format('DROP TABLE public.%I', name);
    RETURN day;
EXCEPTION WHEN lock_not_available THEN
    RETURN NULL;
END
$$;

-- Makes room for a day ahead, unless somebody reads for long: whoever waits for the table's lock lets everybody who
-- comes later wait too.
CREATE FUNCTION make_results_day_ahead(day date) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms'
    AS $$
BEGIN
    PERFORM public.make_results_partition(day);
EXCEPTION WHEN lock_not_available THEN
    NULL;
END
$$;

REVOKE ALL ON FUNCTION drop_results_day, make_results_day_ahead FROM PUBLIC;

GRANT EXECUTE ON FUNCTION drop_results_day, make_results_day_ahead TO sentinel_rollup;
"""

GRANTS = """
GRANT SELECT ON check_rollups, check_hours, check_days, workers, shard_leases TO sentinel_monitor;

GRANT INSERT ON check_rollups TO sentinel_monitor;

GRANT SELECT ON results, check_states, check_periods, tenant_suspensions TO sentinel_rollup;

GRANT SELECT (tenant_id, id, interval_us) ON checks TO sentinel_rollup;

GRANT SELECT, UPDATE ON check_rollups TO sentinel_rollup;

GRANT SELECT, INSERT, UPDATE, DELETE ON check_hours TO sentinel_rollup;

GRANT SELECT, INSERT, UPDATE ON check_days TO sentinel_rollup;
"""

TENANT_OWNED = ("check_rollups", "check_hours", "check_days")
FOR_THE_ROLLUP = ("checks", "results", "check_states", "check_periods", "tenant_suspensions", *TENANT_OWNED)


def upgrade() -> None:
    """Make the role, the tables and the functions; hours and days are made from the results in the background."""
    # Roles belong to the server, not to the database; another stack may have made it.
    op.execute(
        f"DO $$ BEGIN CREATE ROLE {ROLE} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute(f"GRANT {ROLE} TO CURRENT_USER")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    for statement in statements(TABLES + FUNCTIONS + GRANTS):
        op.execute(statement)
    for table in TENANT_OWNED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} TO sentinel_auth, sentinel_monitor, sentinel_worker "
            "USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)"
        )
    for table in FOR_THE_ROLLUP:
        op.execute(f"CREATE POLICY rollup ON {table} TO {ROLE} USING (true)")


def downgrade() -> None:
    """Results of days that were dropped would be missed: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
