"""Teams, invitations, API keys, revocations, rate limits, the audit log, suspended tenants.

Every new tenant-owned table carries the policy tenant_isolation. What has to look across tenants (a login before its
tenant is known, an API key before its owner is known, housekeeping) is a function that answers no more than its name
says.
"""

import importlib

from alembic import op

revision = "0002"
down_revision = "0001"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

TABLES = """
ALTER TABLE users ADD disable_time timestamptz, ADD update_time timestamptz;

UPDATE users SET update_time = create_time;

ALTER TABLE users ALTER update_time SET NOT NULL;

ALTER TABLE sessions
    ADD last_use_time timestamptz, ADD client text NOT NULL DEFAULT '', ADD address text NOT NULL DEFAULT '';

UPDATE sessions SET last_use_time = create_time;

ALTER TABLE sessions ALTER last_use_time SET NOT NULL;

CREATE INDEX sessions_user ON sessions (tenant_id, user_id);

CREATE TABLE invitations (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    email text NOT NULL,
    role smallint NOT NULL CHECK (role BETWEEN 1 AND 3),
    token_hash bytea NOT NULL,
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT invitations_email UNIQUE (tenant_id, email),
    CONSTRAINT invitations_token UNIQUE (tenant_id, token_hash)
);

CREATE TABLE api_keys (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    role smallint NOT NULL CHECK (role BETWEEN 1 AND 3),
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    create_time timestamptz NOT NULL,
    expire_time timestamptz,
    last_use_time timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_name UNIQUE (tenant_id, name)
);

CREATE UNIQUE INDEX api_keys_hash ON api_keys (key_hash);

-- What changed about credentials that are in use: read by every service, forgotten when no credential is that old.
CREATE TABLE revocations (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id uuid NOT NULL,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    subject uuid NOT NULL,
    role smallint,
    reason text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX revocations_create_time ON revocations (create_time);

CREATE TABLE tenant_suspensions (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    reason text NOT NULL,
    PRIMARY KEY (tenant_id, start_time)
);

CREATE UNIQUE INDEX tenant_suspensions_open ON tenant_suspensions (tenant_id) WHERE end_time IS NULL;

-- Nobody but the owner may change or remove an entry: no role is granted more than SELECT and INSERT.
CREATE TABLE audit_log (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    create_time timestamptz NOT NULL,
    actor_kind smallint NOT NULL CHECK (actor_kind BETWEEN 1 AND 3),
    actor_id uuid,
    actor_name text NOT NULL,
    address text NOT NULL,
    client text NOT NULL,
    request_id text NOT NULL,
    action text NOT NULL,
    resource_id uuid NOT NULL,
    before jsonb,
    after jsonb,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX audit_log_actor ON audit_log (tenant_id, actor_id, id);

CREATE INDEX audit_log_action ON audit_log (tenant_id, action, id);

-- When each bucket will be empty again, in the manner of GCRA; a crash may forget them, which harms nobody.
CREATE UNLOGGED TABLE rate_limits (
    key bytea PRIMARY KEY,
    empty_time timestamptz NOT NULL
);

CREATE INDEX rate_limits_empty_time ON rate_limits (empty_time);

ALTER TABLE signing_keys ADD retire_time timestamptz;
"""

FUNCTIONS = """
DROP FUNCTION sessions_ended_since;

-- One query whatever is wrong, so that the time an answer takes does not tell what was.
CREATE FUNCTION login_of(wanted_slug text, wanted_email text, from_address text) RETURNS TABLE (
    tenant_id uuid, slug text, name text, tenant_create_time timestamptz, id uuid, email text, display_name text,
    role smallint, create_time timestamptz, update_time timestamptz, disable_time timestamptz, password_hash text,
    address_is_known boolean, suspend_reason text
)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT t.id, t.slug, t.name, t.create_time, u.id, u.email, u.display_name, u.role, u.create_time, u.update_time,
           u.disable_time, u.password_hash,
           EXISTS (
               SELECT FROM public.sessions s
               WHERE s.tenant_id = t.id AND s.user_id = u.id AND s.address = from_address AND from_address <> ''
           ),
           p.reason
    FROM public.tenants t JOIN public.users u ON u.tenant_id = t.id
    LEFT JOIN public.tenant_suspensions p ON p.tenant_id = t.id AND p.end_time IS NULL
    WHERE t.slug = wanted_slug AND u.email = wanted_email
    $$;

CREATE FUNCTION revoked_since(moment timestamptz) RETURNS TABLE (
    kind smallint, subject uuid, role smallint, reason text, create_time timestamptz
)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT r.kind, r.subject, r.role, r.reason, r.create_time
    FROM public.revocations r WHERE r.create_time >= moment ORDER BY r.create_time, r.id
    $$;

CREATE FUNCTION api_key_of_hash(wanted bytea) RETURNS TABLE (
    tenant_id uuid, id uuid, role smallint, expire_time timestamptz, suspend_reason text
)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT k.tenant_id, k.id, k.role, k.expire_time, s.reason
    FROM public.api_keys k
    LEFT JOIN public.tenant_suspensions s ON s.tenant_id = k.tenant_id AND s.end_time IS NULL
    WHERE k.key_hash = wanted
    $$;

CREATE FUNCTION credentials_used(tenant_ids uuid[], credential_ids uuid[]) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    UPDATE public.sessions s SET last_use_time = now()
    FROM unnest(tenant_ids, credential_ids) AS used (tenant_id, id)
    WHERE s.tenant_id = used.tenant_id AND s.id = used.id AND s.last_use_time < now() - interval '30 seconds';
    UPDATE public.api_keys k SET last_use_time = now()
    FROM unnest(tenant_ids, credential_ids) AS used (tenant_id, id)
    WHERE k.tenant_id = used.tenant_id AND k.id = used.id
      AND (k.last_use_time IS NULL OR k.last_use_time < now() - interval '30 seconds');
    $$;

-- Only of the tenant whose transaction asks.
CREATE FUNCTION name_of_actor(actor uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT email FROM public.users
    WHERE tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND id = actor
    UNION ALL
    SELECT name FROM public.api_keys
    WHERE tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND id = actor
    $$;

-- One round trip for the most frequent question. It runs as its caller, whom the policy binds.
CREATE FUNCTION user_and_tenant(wanted_tenant uuid, wanted_user uuid) RETURNS TABLE (
    tenant_id uuid, slug text, name text, tenant_create_time timestamptz, id uuid, email text, display_name text,
    role smallint, create_time timestamptz, update_time timestamptz, disable_time timestamptz
)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM set_config('app.tenant_id', wanted_tenant::text, true);
    RETURN QUERY
        SELECT t.id, t.slug, t.name, t.create_time, u.id, u.email, u.display_name, u.role, u.create_time,
               u.update_time, u.disable_time
        FROM public.tenants t JOIN public.users u ON u.tenant_id = t.id
        WHERE t.id = wanted_tenant AND u.id = wanted_user;
    PERFORM set_config('app.tenant_id', '', true);
END
$$;

-- Takes one attempt from every bucket, or from none; answers how long to wait for it, NULL when it was taken.
-- A bucket holds `burst` attempts and wins one back `every` so often.
CREATE FUNCTION take_attempt(keys bytea[], every interval[], burst integer[]) RETURNS interval
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    longest interval;
BEGIN
    -- In order, so that two who want the same buckets wait for each other and never both.
    INSERT INTO public.rate_limits (key, empty_time)
        SELECT wanted, 'epoch' FROM unnest(keys) AS wanted ORDER BY wanted
        ON CONFLICT DO NOTHING;
    SELECT max(locked.empty_time + locked.every - locked.every * locked.burst - clock_timestamp()) INTO longest
        FROM (
            SELECT r.empty_time, w.every, w.burst
            FROM public.rate_limits r JOIN unnest(keys, every, burst) AS w (key, every, burst) ON w.key = r.key
            ORDER BY r.key FOR UPDATE OF r
        ) AS locked;
    IF longest > interval '0' THEN
        RETURN longest;
    END IF;
    UPDATE public.rate_limits r SET empty_time = greatest(r.empty_time, clock_timestamp()) + w.every
        FROM unnest(keys, every) AS w (key, every) WHERE r.key = w.key;
    RETURN NULL;
END
$$;

-- Removes what has no meaning any more, a bounded number of rows at a time; answers how many rows went.
CREATE FUNCTION forget_expired(most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    WITH old_revocations AS (
        DELETE FROM public.revocations WHERE (tenant_id, id) IN (
            SELECT tenant_id, id FROM public.revocations WHERE create_time < now() - interval '1 hour' LIMIT most
        ) RETURNING 1
    ), old_buckets AS (
        DELETE FROM public.rate_limits WHERE key IN (
            SELECT key FROM public.rate_limits WHERE empty_time < now() LIMIT most FOR UPDATE SKIP LOCKED
        ) RETURNING 1
    ), old_invitations AS (
        DELETE FROM public.invitations WHERE (tenant_id, id) IN (
            SELECT tenant_id, id FROM public.invitations WHERE expire_time < now() LIMIT most
        ) RETURNING 1
    ), old_sessions AS (
        DELETE FROM public.sessions WHERE (tenant_id, id) IN (
            SELECT tenant_id, id FROM public.sessions
            WHERE expire_time < now() - interval '1 day' OR end_time < now() - interval '30 days' LIMIT most
        ) RETURNING 1
    ), old_tokens AS (
        DELETE FROM public.refresh_tokens WHERE (tenant_id, token_hash) IN (
            SELECT tenant_id, token_hash FROM public.refresh_tokens
            WHERE spend_time < now() - interval '30 days' LIMIT most
        ) RETURNING 1
    ), old_keys AS (
        DELETE FROM public.signing_keys WHERE retire_time < now() RETURNING 1
    )
    SELECT (SELECT count(*) FROM old_revocations) + (SELECT count(*) FROM old_buckets)
         + (SELECT count(*) FROM old_invitations) + (SELECT count(*) FROM old_sessions)
         + (SELECT count(*) FROM old_tokens) + (SELECT count(*) FROM old_keys)
    $$;

CREATE INDEX sessions_expire_time ON sessions (expire_time);

CREATE INDEX refresh_tokens_spend_time ON refresh_tokens (spend_time) WHERE spend_time IS NOT NULL;

REVOKE ALL ON FUNCTION login_of, revoked_since, api_key_of_hash, credentials_used, name_of_actor,
    user_and_tenant, take_attempt, forget_expired FROM PUBLIC;

GRANT EXECUTE ON FUNCTION login_of, user_and_tenant, take_attempt, forget_expired TO sentinel_auth;

GRANT EXECUTE ON FUNCTION name_of_actor TO sentinel_auth, sentinel_monitor;

GRANT EXECUTE ON FUNCTION revoked_since, api_key_of_hash, credentials_used
    TO sentinel_auth, sentinel_monitor, sentinel_worker;
"""

GRANTS = """
GRANT UPDATE, DELETE ON users TO sentinel_auth;

GRANT DELETE ON sessions, refresh_tokens TO sentinel_auth;

GRANT SELECT, INSERT, DELETE ON invitations, api_keys TO sentinel_auth;

GRANT INSERT ON revocations TO sentinel_auth;

GRANT SELECT, INSERT, UPDATE ON tenant_suspensions TO sentinel_auth;

GRANT SELECT ON tenant_suspensions TO sentinel_monitor, sentinel_engine;

GRANT SELECT, INSERT ON audit_log TO sentinel_auth;

GRANT INSERT ON audit_log TO sentinel_monitor;

GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limits TO sentinel_auth;

GRANT UPDATE (retire_time) ON signing_keys TO sentinel_auth;
"""

TENANT_OWNED = ("invitations", "api_keys", "revocations", "tenant_suspensions", "audit_log")


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
    op.execute("CREATE POLICY engine ON tenant_suspensions TO sentinel_engine USING (true)")


def downgrade() -> None:
    """Sessions, keys and the audit log cannot be taken back: restore a backup instead."""
    raise RuntimeError("this migration cannot be undone; restore a backup instead")
