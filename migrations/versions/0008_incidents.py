"""Incidents: spans in which a check was DOWN, what began and ended each, and what people did about it.

An incident is moved in the transaction that records the result (semantics.md §14), by the engine; people act on it
through monitor. It keeps the names of its service and check, since it outlives both.
"""

import importlib

from alembic import op

revision = "0008"
down_revision = "0007"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

TABLES = """
CREATE TABLE incidents (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    check_id uuid NOT NULL,
    service_name text NOT NULL,
    check_name text NOT NULL,
    start_time timestamptz NOT NULL,
    detect_time timestamptz NOT NULL CHECK (detect_time >= start_time),
    end_time timestamptz CHECK (end_time >= start_time),
    resolution smallint CHECK (resolution BETWEEN 1 AND 4),
    acknowledge_time timestamptz,
    error_kind smallint,
    error_message text,
    status_code smallint,
    dns_us integer,
    connect_us integer,
    tls_us integer,
    ttfb_us integer,
    transfer_us integer,
    total_us integer,
    last_error_kind smallint,
    last_error_message text,
    last_status_code smallint,
    PRIMARY KEY (tenant_id, id),
    CHECK ((end_time IS NULL) = (resolution IS NULL))
);

CREATE UNIQUE INDEX incidents_open ON incidents (tenant_id, check_id) WHERE end_time IS NULL;

CREATE INDEX incidents_open_of_service ON incidents (tenant_id, service_id) WHERE end_time IS NULL;

CREATE INDEX incidents_of_check ON incidents (tenant_id, check_id, end_time);

CREATE INDEX incidents_of_service ON incidents (tenant_id, service_id, id);

CREATE TABLE incident_events (
    tenant_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    id uuid NOT NULL,
    create_time timestamptz NOT NULL,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    actor_kind smallint,
    actor_id uuid,
    actor_name text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, incident_id, id),
    FOREIGN KEY (tenant_id, incident_id) REFERENCES incidents ON DELETE CASCADE
);
"""

# Resuming a check begins its runs of results anew, so monitor may write what they amount to.
GRANTS = """
GRANT SELECT, INSERT ON incidents TO sentinel_engine;

GRANT UPDATE (end_time, resolution, last_error_kind, last_error_message, last_status_code)
    ON incidents TO sentinel_engine;

GRANT INSERT ON incident_events TO sentinel_engine;

GRANT SELECT (tenant_id, id, name) ON services TO sentinel_engine;

GRANT SELECT ON incidents TO sentinel_monitor;

GRANT UPDATE (end_time, resolution, last_error_kind, last_error_message, last_status_code, acknowledge_time)
    ON incidents TO sentinel_monitor;

GRANT SELECT, INSERT ON incident_events TO sentinel_monitor;

GRANT UPDATE (state, state_time, streak, streak_outcome, streak_time, verdict_time) ON check_states TO sentinel_monitor;
"""

TENANT_OWNED = ("incidents", "incident_events")


def upgrade() -> None:
    """Make everything."""
    for statement in statements(TABLES + GRANTS):
        op.execute(statement)
    for table in TENANT_OWNED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} TO sentinel_auth, sentinel_monitor, sentinel_worker "
            "USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)"
        )
        op.execute(f"CREATE POLICY engine ON {table} TO sentinel_engine USING (true)")
    op.execute("CREATE POLICY engine ON services FOR SELECT TO sentinel_engine USING (true)")


def downgrade() -> None:
    """What people wrote down of incidents cannot be taken back: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
