"""Positions of results that say in which PostgreSQL cluster they were recorded (docs/adr/0030).

Transaction ids start anew in another cluster, so recorded_xid alone does not order results of two clusters. A cluster
that this database lives in has a number, and recorded_xid carries it above its 48 lower bits. What is there carries the
number 0, so no row is rewritten; the default of the column is changed when a further cluster is entered.

Results from another cluster, of a database that was restored before this migration, may have larger ids than any
transaction here: then this cluster has the number 1.

Besides, a function that finds what `rotate-secrets` has to encrypt anew in any table with secrets (docs/adr/0031).
"""

import importlib

from alembic import op

revision = "0021"
down_revision = "0020"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

CHANGES = """
CREATE TABLE clusters (
    number smallint PRIMARY KEY CHECK (number >= 0),
    system_identifier bigint NOT NULL,
    enter_time timestamptz NOT NULL DEFAULT now()
);

-- Give the present cluster a number, unless the latest number is its. Each worker connection calls this before anything
-- else, so nothing is recorded or read under a number of another cluster. Several processes may call it at once.
CREATE FUNCTION enter_cluster() RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
    AS $$
DECLARE
    here bigint := (SELECT system_identifier FROM pg_control_system());
    entered smallint;
BEGIN
    IF here = (SELECT c.system_identifier FROM public.clusters c ORDER BY c.number DESC LIMIT 1) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('enter_cluster'));
    IF here = (SELECT c.system_identifier FROM public.clusters c ORDER BY c.number DESC LIMIT 1) THEN
        RETURN;
    END IF;
    INSERT INTO public.clusters (number, system_identifier)
        SELECT max(c.number) + 1, here FROM public.clusters c
        RETURNING number INTO entered;
    -- Partitions need no change: what is written through their parent takes the parent's default.
    EXECUTE format(
        'ALTER TABLE ONLY public.results ALTER COLUMN recorded_xid'
        ' SET DEFAULT (%s + pg_current_xact_id()::text::bigint)',
        entered::bigint << 48
    );
END
$$;

-- The present cluster, and the position before which the order of results is settled: no transaction that is under way
-- can still record before it.
CREATE FUNCTION recording_frontier(OUT cluster bigint, OUT frontier bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT c.system_identifier, (c.number::bigint << 48) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    FROM public.clusters c ORDER BY c.number DESC LIMIT 1
$$;

CREATE OR REPLACE FUNCTION results_recorded_behind(
    tenant uuid, after_xid bigint, after_slot timestamptz, after_check uuid,
    until_xid bigint, until_slot timestamptz, until_check uuid, most integer
) RETURNS SETOF public.results
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    settled bigint := (SELECT f.frontier FROM public.recording_frontier() f);
BEGIN
    PERFORM set_config('app.tenant_id', tenant::text, true);
    RETURN QUERY
        SELECT * FROM public.results r
        WHERE r.tenant_id = tenant
          AND r.recorded_xid >= after_xid
          AND r.recorded_xid <= until_xid
          AND r.recorded_xid < settled
          AND (r.recorded_xid, r.slot_time, r.check_id) > (after_xid, after_slot, after_check)
          AND (r.recorded_xid, r.slot_time, r.check_id) <= (until_xid, until_slot, until_check)
        ORDER BY r.recorded_xid, r.slot_time, r.check_id
        LIMIT most;
    PERFORM set_config('app.tenant_id', '', true);
END
$$;

REVOKE ALL ON FUNCTION enter_cluster, recording_frontier FROM PUBLIC;

GRANT EXECUTE ON FUNCTION enter_cluster, recording_frontier TO sentinel_worker, sentinel_tail;

GRANT EXECUTE ON FUNCTION enter_cluster TO sentinel_engine;
"""

# Sealing is for all tenants: it learns which rows to look at, and then acts as each tenant. Checks may hold secrets in
# the open from before they were encrypted; other tables never did. The dynamic statement returns ids only, and only of
# rows with sealed secrets.
SEALING = """
CREATE FUNCTION rows_to_seal(
    of_table text, of_column text, newest text, secret_name text, hidden text,
    after_tenant uuid, after_row uuid, most int
)
    RETURNS TABLE (tenant_id uuid, row_id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF of_table = 'checks' THEN
        RETURN QUERY SELECT * FROM public.checks_to_seal(newest, secret_name, hidden, after_tenant, after_row, most);
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT t.tenant_id, t.id FROM public.%I t WHERE (t.tenant_id, t.id) > ($1, $2)'
        ' AND t.%I->''sealed''->>''key'' <> $3 ORDER BY t.tenant_id, t.id LIMIT $4',
        of_table, of_column
    ) USING after_tenant, after_row, newest, most;
END
$$;

REVOKE ALL ON FUNCTION rows_to_seal FROM PUBLIC;

GRANT EXECUTE ON FUNCTION rows_to_seal TO sentinel_monitor;
"""

# What the first known cluster is called: 1 if results are there that no transaction of this cluster can have recorded.
FIRST = """
INSERT INTO clusters (number, system_identifier)
    SELECT CASE WHEN (SELECT max(recorded_xid) FROM results) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
                THEN 1 ELSE 0 END,
           system_identifier
    FROM pg_control_system();

DO $$ BEGIN
    IF (SELECT number FROM clusters) = 1 THEN
        ALTER TABLE ONLY results
            ALTER COLUMN recorded_xid SET DEFAULT ((1::bigint << 48) + pg_current_xact_id()::text::bigint);
    END IF;
END $$;
"""


def upgrade() -> None:
    """Make the table and the functions, and enter the present cluster; no lock is waited for longer than 5 s."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (*statements(CHANGES), *statements(SEALING), *statements(FIRST)):
        op.execute(statement)


def downgrade() -> None:
    """The worker of the version before could not read positions of a further cluster: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
