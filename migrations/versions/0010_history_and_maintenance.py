"""Monitor lists runs on demand; maintenance windows and the spans that they cover.

A row of maintenance_spans is a span [start_time, end_time) in which a service, or without one all of the tenant's, is
worked on. Spans are written ahead up to the window's planned_time. A window that is deleted leaves the spans that were.
"""

import importlib

from alembic import op

revision = "0010"
down_revision = "0009"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

CHANGES = """
GRANT SELECT ON on_demand_results TO sentinel_monitor;

CREATE TABLE maintenance_windows (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    service_id uuid,
    name text NOT NULL,
    start_time timestamptz NOT NULL,
    duration_us bigint NOT NULL CHECK (duration_us > 0),
    rrule text NOT NULL,
    time_zone text NOT NULL,
    request_id uuid,
    create_time timestamptz NOT NULL,
    planned_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, service_id) REFERENCES services ON DELETE CASCADE,
    CONSTRAINT maintenance_windows_request_id UNIQUE (tenant_id, request_id)
);

CREATE INDEX maintenance_windows_service ON maintenance_windows (tenant_id, service_id);

CREATE INDEX maintenance_windows_planned_time ON maintenance_windows (planned_time) WHERE rrule <> '';

CREATE TABLE maintenance_spans (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    window_id uuid NOT NULL,
    service_id uuid,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL CHECK (end_time > start_time),
    PRIMARY KEY (tenant_id, window_id, start_time),
    FOREIGN KEY (tenant_id, service_id) REFERENCES services ON DELETE CASCADE
);

-- None is longer than a week, so those that cover a moment began in the week before it: few, however many lie ahead.
CREATE INDEX maintenance_spans_time ON maintenance_spans (tenant_id, start_time);

CREATE INDEX maintenance_spans_service ON maintenance_spans (tenant_id, service_id);

-- Planning is for all tenants: it learns which windows are due, and then acts as each tenant.
CREATE FUNCTION maintenance_windows_to_plan(until timestamptz) RETURNS TABLE (tenant_id uuid, window_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT w.tenant_id, w.id FROM public.maintenance_windows w
        WHERE w.rrule <> '' AND w.planned_time < until ORDER BY w.planned_time LIMIT 100
    $$;

REVOKE ALL ON FUNCTION maintenance_windows_to_plan FROM PUBLIC;

GRANT EXECUTE ON FUNCTION maintenance_windows_to_plan TO sentinel_monitor;

GRANT SELECT, INSERT, UPDATE, DELETE ON maintenance_windows, maintenance_spans TO sentinel_monitor;

GRANT SELECT ON maintenance_spans TO sentinel_engine, sentinel_rollup;

GRANT SELECT (service_id) ON checks TO sentinel_rollup;
"""

TENANT_OWNED = ("maintenance_windows", "maintenance_spans")


def upgrade() -> None:
    """Make everything."""
    for statement in statements(CHANGES):
        op.execute(statement)
    for table in TENANT_OWNED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} TO sentinel_auth, sentinel_monitor, sentinel_worker "
            "USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)"
        )
    op.execute("CREATE POLICY engine ON maintenance_spans TO sentinel_engine USING (true)")
    op.execute("CREATE POLICY rollup ON maintenance_spans TO sentinel_rollup USING (true)")


def downgrade() -> None:
    """What was outside the figures would count again: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
