"""What follows a step of the database's clock back (docs/adr/0034): the grid of checks restarts at its time.

Only a function is added: processes of the version before keep working.
"""

import importlib

from alembic import op

revision = "0022"
down_revision = "0021"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

FUNCTIONS = """
-- Restarts the grid of those checks of some shards whose accounts are ahead of the time `here` by more than `most`:
-- removes what was recorded of slots after it, and moves every later time of theirs back to it. The marks of the rollup
-- go back too: it writes the hours and days that it closed ahead of time anew. Returns the time.
CREATE FUNCTION restart_grid(shards smallint[], here timestamptz, most interval) RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    this_hour timestamptz := date_trunc('hour', here, 'UTC');
    this_day timestamptz := date_trunc('day', here, 'UTC');
    each record;
BEGIN
    FOR each IN
        SELECT s.tenant_id, s.check_id FROM public.check_states s
        JOIN public.checks c ON c.tenant_id = s.tenant_id AND c.id = s.check_id
        WHERE c.shard = ANY (shards) AND s.accounted_time > here + most
        ORDER BY s.tenant_id, s.check_id
        FOR UPDATE OF s
    LOOP
        DELETE FROM public.results r
            WHERE r.tenant_id = each.tenant_id AND r.check_id = each.check_id AND r.slot_time > here;
        -- A range of missed slots that reaches beyond now is the last one.
        UPDATE public.results r
            SET slot_count = floor(extract(epoch FROM here - r.slot_time) * 1000000 / r.interval_us)::integer + 1
            WHERE r.tenant_id = each.tenant_id AND r.check_id = each.check_id AND r.slot_count > 1
              AND r.slot_time = (
                  SELECT max(l.slot_time) FROM public.results l
                  WHERE l.tenant_id = each.tenant_id AND l.check_id = each.check_id
              )
              AND r.slot_time + (r.slot_count - 1) * r.interval_us * interval '1 microsecond' > here;
        UPDATE public.check_states s
            SET accounted_time = here, state_time = least(s.state_time, here), streak_time = least(s.streak_time, here),
                verdict_time = least(s.verdict_time, here)
            WHERE s.tenant_id = each.tenant_id AND s.check_id = each.check_id;
        DELETE FROM public.check_periods p
            WHERE p.tenant_id = each.tenant_id AND p.check_id = each.check_id
              AND p.end_time IS NOT NULL AND p.start_time >= here;
        UPDATE public.check_periods p
            SET start_time = least(p.start_time, here), end_time = least(p.end_time, here)
            WHERE p.tenant_id = each.tenant_id AND p.check_id = each.check_id
              AND (p.start_time > here OR p.end_time > here);
        UPDATE public.incidents i
            SET start_time = least(i.start_time, here), detect_time = least(i.detect_time, here),
                end_time = CASE WHEN i.end_time IS NOT NULL THEN least(i.end_time, here) END
            WHERE i.tenant_id = each.tenant_id AND i.check_id = each.check_id
              AND (i.detect_time > here OR i.end_time > here);
        UPDATE public.heartbeats h
            SET last_signal_time = least(h.last_signal_time, here), last_success_time = least(h.last_success_time, here)
            WHERE h.tenant_id = each.tenant_id AND h.check_id = each.check_id AND h.last_signal_time > here;
        UPDATE public.check_rollups u SET rolled_time = this_hour
            WHERE u.tenant_id = each.tenant_id AND u.check_id = each.check_id AND u.rolled_time > this_hour;
        DELETE FROM public.check_hours t
            WHERE t.tenant_id = each.tenant_id AND t.check_id = each.check_id AND t.start_time >= this_hour;
        DELETE FROM public.check_days t
            WHERE t.tenant_id = each.tenant_id AND t.check_id = each.check_id AND t.start_time >= this_day;
    END LOOP;
    RETURN here;
END
$$;

REVOKE ALL ON FUNCTION restart_grid FROM PUBLIC;

GRANT EXECUTE ON FUNCTION restart_grid TO sentinel_engine;
"""


def upgrade() -> None:
    """Make it."""
    for statement in statements(FUNCTIONS):
        op.execute(statement)


def downgrade() -> None:
    """Remove it."""
    op.execute("DROP FUNCTION restart_grid(smallint[], timestamptz, interval)")
