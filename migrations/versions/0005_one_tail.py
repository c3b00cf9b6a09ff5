"""One read of new results for all tenants that are read live on a worker (docs/adr/0012).

The role sentinel_tail may execute one function and nothing else. The index on recorded_xid becomes a B-tree: a BRIN
index leaves what was written since the last vacuum to be scanned whole, which is a minute of everybody's results on
each look.
"""

import importlib

from alembic import op

revision = "0005"
down_revision = "0004"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

ROLE = "sentinel_tail"

CHANGES = """
DROP INDEX results_recorded_xid;

CREATE INDEX results_recorded_xid ON results (recorded_xid);

DROP FUNCTION results_recorded_behind;

-- One round trip where a transaction that sets its tenant needs five. It runs as its caller, whom the policy binds: the
-- tenant is set before the query is run, and only until the statement ends. Read is only what no transaction that is
-- still under way can precede, so the order of what was read never changes afterwards. Planned for each call: what is
-- few rows or many depends on how far the two positions lie apart.
CREATE FUNCTION results_recorded_behind(
    tenant uuid, after_xid bigint, after_slot timestamptz, after_check uuid,
    until_xid bigint, until_slot timestamptz, until_check uuid, most integer
) RETURNS SETOF public.results
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    AS $$
BEGIN
    PERFORM set_config('app.tenant_id', tenant::text, true);
    RETURN QUERY
        SELECT * FROM public.results r
        WHERE r.tenant_id = tenant
          AND r.recorded_xid >= after_xid
          AND r.recorded_xid <= until_xid
          AND r.recorded_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
          AND (r.recorded_xid, r.slot_time, r.check_id) > (after_xid, after_slot, after_check)
          AND (r.recorded_xid, r.slot_time, r.check_id) <= (until_xid, until_slot, until_check)
        ORDER BY r.recorded_xid, r.slot_time, r.check_id
        LIMIT most;
    PERFORM set_config('app.tenant_id', '', true);
END
$$;

-- What was recorded of some tenants behind a position and before `frontier`, which no transaction under way may be
-- older than. It runs as the owner, whom no policy binds, so the tenants are its wall: none that is not named, and
-- without names nothing. OFFSET 0 keeps the tenants out of the choice of the index: the new rows of all tenants are
-- few, the old rows of one are many.
CREATE FUNCTION tail_of_results(
    tenants uuid[], after_xid bigint, after_slot timestamptz, after_check uuid, frontier bigint, most integer
) RETURNS SETOF public.results
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM (
            SELECT * FROM public.results r
            WHERE r.recorded_xid >= after_xid
              AND r.recorded_xid < frontier
              AND (r.recorded_xid, r.slot_time, r.check_id) > (after_xid, after_slot, after_check)
            ORDER BY r.recorded_xid, r.slot_time, r.check_id
            OFFSET 0
        ) AS recorded
        WHERE recorded.tenant_id = ANY (tenants)
        LIMIT most;
END
$$;

REVOKE ALL ON FUNCTION results_recorded_behind, tail_of_results FROM PUBLIC;

GRANT EXECUTE ON FUNCTION results_recorded_behind TO sentinel_worker;

GRANT EXECUTE ON FUNCTION tail_of_results TO sentinel_tail;
"""


def upgrade() -> None:
    """Make the role, the index and the functions."""
    # Roles belong to the server, not to the database; another stack may have made it.
    op.execute(
        f"DO $$ BEGIN CREATE ROLE {ROLE} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute(f"GRANT {ROLE} TO CURRENT_USER")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    """The worker of the version before could not stream: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
