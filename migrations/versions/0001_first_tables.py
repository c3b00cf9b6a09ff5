"""Tenants, services, checks, results; roles and row-level security from the first table on.

Every tenant-owned table leads its key with tenant_id and carries the policy tenant_isolation. The roles that serve
requests (auth, monitor, worker) are subject to it; the engine, which probes for all tenants, has a policy and grants
of its own, no wider than its statements.
"""

import secrets

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None

ROLES = ("sentinel_auth", "sentinel_monitor", "sentinel_worker", "sentinel_engine")

TABLES = """
CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    slug text NOT NULL CONSTRAINT tenants_slug UNIQUE,
    name text NOT NULL,
    create_time timestamptz NOT NULL
);

CREATE TABLE users (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    email text NOT NULL,
    display_name text NOT NULL,
    role smallint NOT NULL CHECK (role BETWEEN 1 AND 3),
    password_hash text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_email UNIQUE (tenant_id, email)
);

CREATE TABLE sessions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL,
    end_time timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

CREATE INDEX sessions_end_time ON sessions (end_time) WHERE end_time IS NOT NULL;

CREATE TABLE refresh_tokens (
    tenant_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    create_time timestamptz NOT NULL,
    spend_time timestamptz,
    PRIMARY KEY (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions ON DELETE CASCADE
);

CREATE INDEX refresh_tokens_session ON refresh_tokens (tenant_id, session_id);

CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    public_key bytea NOT NULL,
    create_time timestamptz NOT NULL
);

CREATE TABLE secrets (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE services (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    description text NOT NULL,
    labels jsonb NOT NULL,
    request_id uuid,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT services_name UNIQUE (tenant_id, name),
    CONSTRAINT services_request_id UNIQUE (tenant_id, request_id)
);

CREATE TABLE checks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
    name text NOT NULL,
    kind text NOT NULL,
    spec jsonb NOT NULL,
    interval_us bigint NOT NULL,
    timeout_us bigint NOT NULL CHECK (timeout_us < interval_us),
    failure_threshold smallint NOT NULL,
    recovery_threshold smallint NOT NULL,
    retries smallint NOT NULL,
    request_id uuid,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, service_id) REFERENCES services ON DELETE CASCADE,
    CONSTRAINT checks_name UNIQUE (tenant_id, service_id, name),
    CONSTRAINT checks_request_id UNIQUE (tenant_id, request_id)
);

CREATE INDEX checks_shard ON checks (shard);

-- One row a check, rewritten with each result: room on each page keeps the rewrite beside the row (HOT).
CREATE TABLE check_states (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    state smallint NOT NULL,
    state_time timestamptz,
    streak smallint NOT NULL,
    streak_outcome smallint NOT NULL,
    streak_time timestamptz,
    verdict_time timestamptz,
    accounted_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, check_id),
    FOREIGN KEY (tenant_id, check_id) REFERENCES checks ON DELETE CASCADE
) WITH (fillfactor = 50);

-- recorded_xid orders results for readers of the stream: a reader takes only what every older transaction can no
-- longer precede. Rows arrive in about that order, so a BRIN index finds the new ones for next to nothing.
CREATE TABLE results (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    slot_time timestamptz NOT NULL,
    service_id uuid NOT NULL,
    start_time timestamptz,
    interval_us bigint NOT NULL,
    recorded_xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    outcome smallint NOT NULL CHECK (outcome BETWEEN 1 AND 4),
    error_kind smallint,
    missed_reason smallint,
    slot_count integer NOT NULL DEFAULT 1,
    status_code smallint,
    dns_us integer,
    connect_us integer,
    tls_us integer,
    ttfb_us integer,
    transfer_us integer,
    total_us integer,
    body_bytes integer,
    redirects smallint NOT NULL DEFAULT 0,
    attempt smallint NOT NULL DEFAULT 0,
    tls_not_after timestamptz,
    resolved_ip inet,
    http_version text,
    error_message text NOT NULL DEFAULT '',
    worker_id text NOT NULL,
    PRIMARY KEY (tenant_id, check_id, slot_time)
) PARTITION BY RANGE (slot_time);

CREATE INDEX results_recorded_xid ON results USING brin (recorded_xid) WITH (pages_per_range = 16, autosummarize = on);

-- Runs outside the schedule: kept apart, so that no figure can count them by mistake.
CREATE TABLE on_demand_results (LIKE results INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    PRIMARY KEY (tenant_id, check_id, slot_time),
    FOREIGN KEY (tenant_id, check_id) REFERENCES checks ON DELETE CASCADE
);

CREATE TABLE workers (
    id text PRIMARY KEY,
    start_time timestamptz NOT NULL,
    renew_time timestamptz NOT NULL
);

CREATE TABLE shard_leases (
    shard smallint PRIMARY KEY,
    worker_id text,
    epoch bigint NOT NULL DEFAULT 0,
    expire_time timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO shard_leases (shard) SELECT generate_series(0, 255);
"""

# Each runs as the owner, does one thing, and answers no more than its name says.
FUNCTIONS = """
CREATE FUNCTION tenant_of_slug(wanted text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT id FROM public.tenants WHERE slug = wanted $$;

CREATE FUNCTION sessions_ended_since(moment timestamptz) RETURNS TABLE (session_id uuid, ended timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT id, end_time FROM public.sessions WHERE end_time >= moment $$;

CREATE FUNCTION make_results_partition(day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    name text := 'results_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Two workers may want the same day at once.
    PERFORM pg_advisory_xact_lock(hashtext('make_results_partition'));
    IF to_regclass('public.' || name) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE public.%I PARTITION OF public.results FOR VALUES FROM (%L) TO (%L)',
            name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC'
        );
    END IF;
END
$$;

-- One round trip where a transaction that sets its tenant needs five. It runs as its caller, whom the policy binds: the
-- tenant is set before the query is run, and only until the statement ends. Read is only what no transaction that is
-- still under way can precede, so the order of what was read never changes afterwards.
CREATE FUNCTION results_recorded_behind(
    tenant uuid, after_xid bigint, after_slot timestamptz, after_check uuid,
    until_xid bigint, until_slot timestamptz, until_check uuid, not_before timestamptz, most integer
) RETURNS SETOF public.results
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM set_config('app.tenant_id', tenant::text, true);
    RETURN QUERY
        SELECT * FROM public.results r
        WHERE r.tenant_id = tenant
          AND r.recorded_xid >= after_xid
          AND r.recorded_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
          AND r.slot_time >= not_before
          AND (r.recorded_xid, r.slot_time, r.check_id) > (after_xid, after_slot, after_check)
          AND (r.recorded_xid, r.slot_time, r.check_id) <= (until_xid, until_slot, until_check)
        ORDER BY r.recorded_xid, r.slot_time, r.check_id
        LIMIT most;
    PERFORM set_config('app.tenant_id', '', true);
END
$$;

REVOKE ALL ON FUNCTION tenant_of_slug, sessions_ended_since, make_results_partition, results_recorded_behind
    FROM PUBLIC;

GRANT EXECUTE ON FUNCTION tenant_of_slug TO sentinel_auth;

GRANT EXECUTE ON FUNCTION sessions_ended_since TO sentinel_auth, sentinel_monitor, sentinel_worker;

GRANT EXECUTE ON FUNCTION make_results_partition TO sentinel_engine;

GRANT EXECUTE ON FUNCTION results_recorded_behind TO sentinel_worker;
"""

GRANTS = """
GRANT SELECT ON signing_keys, secrets TO sentinel_auth, sentinel_monitor, sentinel_worker;

GRANT INSERT ON signing_keys TO sentinel_auth;

GRANT SELECT, INSERT ON tenants, users TO sentinel_auth;

GRANT SELECT, INSERT, UPDATE ON sessions, refresh_tokens TO sentinel_auth;

GRANT SELECT, INSERT ON services, checks, check_states TO sentinel_monitor;

GRANT SELECT ON results TO sentinel_monitor;

GRANT SELECT ON services, checks, results TO sentinel_worker;

GRANT SELECT, INSERT ON on_demand_results TO sentinel_worker;

GRANT SELECT ON checks TO sentinel_engine;

GRANT SELECT, UPDATE ON check_states TO sentinel_engine;

GRANT SELECT, INSERT ON results TO sentinel_engine;

GRANT SELECT, INSERT, UPDATE, DELETE ON workers TO sentinel_engine;

GRANT SELECT, UPDATE ON shard_leases TO sentinel_engine;
"""

TENANT_OWNED = {
    "tenants": "id",
    "users": "tenant_id",
    "sessions": "tenant_id",
    "refresh_tokens": "tenant_id",
    "services": "tenant_id",
    "checks": "tenant_id",
    "check_states": "tenant_id",
    "results": "tenant_id",
    "on_demand_results": "tenant_id",
}
FOR_THE_ENGINE = ("checks", "check_states", "results")


def statements(script: str) -> list[str]:
    """A script's statements, which blank lines part: the driver takes one at a time."""
    return [part for part in script.split("\n\n") if part.strip()]


def upgrade() -> None:
    """Make everything."""
    for role in ROLES:
        # Roles belong to the server, not to the database; another stack may have made them.
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        op.execute(f"GRANT {role} TO CURRENT_USER")
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    for statement in statements(TABLES + FUNCTIONS + GRANTS):
        op.execute(statement)
    for table, tenant in TENANT_OWNED.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} TO sentinel_auth, sentinel_monitor, sentinel_worker "
            f"USING ({tenant} = nullif(current_setting('app.tenant_id', true), '')::uuid)"
        )
    for table in FOR_THE_ENGINE:
        op.execute(f"CREATE POLICY engine ON {table} TO sentinel_engine USING (true)")
    op.get_bind().execute(
        text("INSERT INTO secrets (name, value) VALUES ('sealing', :value)"), {"value": secrets.token_bytes(32)}
    )


def downgrade() -> None:
    """There is nothing before the first migration: drop the database instead."""
    raise RuntimeError("the first migration cannot be undone; drop the database instead")
