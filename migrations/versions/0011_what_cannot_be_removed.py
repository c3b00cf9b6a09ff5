"""History that cannot be removed holds up no other; results of runs on demand go when they are old."""

import importlib

from alembic import op

revision = "0011"
down_revision = "0010"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

CHANGES = """
DROP FUNCTION remove_history(integer);

-- Removes at most so many rows of deleted checks, but of those that are set aside, unless somebody else is at it. The
-- first check with which it fails ends the step: what it removed of others stays removed.
CREATE FUNCTION remove_history(
    most integer, aside uuid[] DEFAULT '{}', OUT more boolean, OUT failed_check uuid, OUT failure text
)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    gone record;
    last_slot timestamptz;
    room integer := most;
    went integer;
BEGIN
    more := false;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('remove_history', 0)) THEN
        RETURN;
    END IF;
    more := true;
    FOR gone IN
        SELECT tenant_id, check_id FROM public.removed_checks WHERE check_id <> ALL (aside)
        ORDER BY remove_time LIMIT 100
    LOOP
        BEGIN
            SELECT max(slot_time) INTO last_slot FROM (
                SELECT r.slot_time FROM public.results r
                WHERE r.tenant_id = gone.tenant_id AND r.check_id = gone.check_id ORDER BY r.slot_time LIMIT room
            ) AS oldest;
            DELETE FROM public.results r
                WHERE r.tenant_id = gone.tenant_id AND r.check_id = gone.check_id AND r.slot_time <= last_slot;
            GET DIAGNOSTICS went = ROW_COUNT;
            room := room - went;
            IF room <= 0 THEN
                RETURN;
            END IF;
            DELETE FROM public.check_hours h USING (
                SELECT start_time FROM public.check_hours
                WHERE tenant_id = gone.tenant_id AND check_id = gone.check_id ORDER BY start_time LIMIT room
            ) AS oldest
                WHERE h.tenant_id = gone.tenant_id AND h.check_id = gone.check_id AND h.start_time = oldest.start_time;
            GET DIAGNOSTICS went = ROW_COUNT;
            room := room - went;
            IF room <= 0 THEN
                RETURN;
            END IF;
            DELETE FROM public.check_days d WHERE d.tenant_id = gone.tenant_id AND d.check_id = gone.check_id;
            DELETE FROM public.removed_checks c WHERE c.tenant_id = gone.tenant_id AND c.check_id = gone.check_id;
        EXCEPTION WHEN OTHERS THEN
            failed_check := gone.check_id;
            failure := SQLERRM;
            RETURN;
        END;
    END LOOP;
    more := EXISTS (SELECT FROM public.removed_checks WHERE check_id <> ALL (aside));
END
$$;

REVOKE ALL ON FUNCTION remove_history FROM PUBLIC;

GRANT EXECUTE ON FUNCTION remove_history TO sentinel_monitor;

-- Old ones are found without a pass over all.
CREATE INDEX on_demand_results_slot_time ON on_demand_results (slot_time);

CREATE POLICY rollup ON on_demand_results TO sentinel_rollup USING (true);

GRANT SELECT (tenant_id, check_id, slot_time), DELETE ON on_demand_results TO sentinel_rollup;
"""


def upgrade() -> None:
    """Replace the function; make the index, and let the rollup drop what is old."""
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    """Results of runs on demand that were dropped would be missed: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
