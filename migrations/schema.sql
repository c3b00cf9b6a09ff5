-- The schema of a database after all migrations, for readers. Written by `.venv/bin/python -m tools.schema`; do not edit.


-- Roles

CREATE ROLE sentinel_auth;
ALTER ROLE sentinel_auth WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE sentinel_engine;
ALTER ROLE sentinel_engine WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE sentinel_monitor;
ALTER ROLE sentinel_monitor WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE sentinel_rollup;
ALTER ROLE sentinel_rollup WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE sentinel_tail;
ALTER ROLE sentinel_tail WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE sentinel_worker;
ALTER ROLE sentinel_worker WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;

GRANT USAGE ON SCHEMA public TO sentinel_auth;
GRANT USAGE ON SCHEMA public TO sentinel_monitor;
GRANT USAGE ON SCHEMA public TO sentinel_worker;
GRANT USAGE ON SCHEMA public TO sentinel_engine;
GRANT USAGE ON SCHEMA public TO sentinel_tail;
GRANT USAGE ON SCHEMA public TO sentinel_rollup;


-- Table alembic_version

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


-- Table api_keys

CREATE TABLE public.api_keys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    role smallint NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    create_time timestamp with time zone NOT NULL,
    expire_time timestamp with time zone,
    last_use_time timestamp with time zone,
    CONSTRAINT api_keys_role_check CHECK (((role >= 1) AND (role <= 3)))
);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_name UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

CREATE UNIQUE INDEX api_keys_hash ON public.api_keys USING btree (key_hash);

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.api_keys TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,DELETE ON TABLE public.api_keys TO sentinel_auth;


-- Table audit_log

CREATE TABLE public.audit_log (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    create_time timestamp with time zone NOT NULL,
    actor_kind smallint NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    address text NOT NULL,
    client text NOT NULL,
    request_id text NOT NULL,
    action text NOT NULL,
    resource_id uuid NOT NULL,
    before jsonb,
    after jsonb,
    CONSTRAINT audit_log_actor_kind_check CHECK (((actor_kind >= 1) AND (actor_kind <= 3)))
);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

CREATE INDEX audit_log_action ON public.audit_log USING btree (tenant_id, action, id);

CREATE INDEX audit_log_actor ON public.audit_log USING btree (tenant_id, actor_id, id);

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.audit_log TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT ON TABLE public.audit_log TO sentinel_auth;
GRANT INSERT ON TABLE public.audit_log TO sentinel_monitor;


-- Table check_days

CREATE TABLE public.check_days (
    tenant_id uuid CONSTRAINT check_hours_tenant_id_not_null NOT NULL,
    check_id uuid CONSTRAINT check_hours_check_id_not_null NOT NULL,
    start_time timestamp with time zone CONSTRAINT check_hours_start_time_not_null NOT NULL,
    life_us bigint CONSTRAINT check_hours_life_us_not_null NOT NULL,
    up_us bigint CONSTRAINT check_hours_up_us_not_null NOT NULL,
    down_us bigint CONSTRAINT check_hours_down_us_not_null NOT NULL,
    up_slots integer CONSTRAINT check_hours_up_slots_not_null NOT NULL,
    down_slots integer CONSTRAINT check_hours_down_slots_not_null NOT NULL,
    error_slots integer CONSTRAINT check_hours_error_slots_not_null NOT NULL,
    missed_slots integer CONSTRAINT check_hours_missed_slots_not_null NOT NULL,
    latencies bytea CONSTRAINT check_hours_latencies_not_null NOT NULL,
    p95_us integer,
    slow_slots integer DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.check_days
    ADD CONSTRAINT check_days_pkey PRIMARY KEY (tenant_id, check_id, start_time);

ALTER TABLE public.check_days ENABLE ROW LEVEL SECURITY;

CREATE POLICY rollup ON public.check_days TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.check_days TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT ON TABLE public.check_days TO sentinel_monitor;
GRANT SELECT,INSERT,UPDATE ON TABLE public.check_days TO sentinel_rollup;


-- Table check_hours

CREATE TABLE public.check_hours (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    start_time timestamp with time zone NOT NULL,
    life_us bigint NOT NULL,
    up_us bigint NOT NULL,
    down_us bigint NOT NULL,
    up_slots integer NOT NULL,
    down_slots integer NOT NULL,
    error_slots integer NOT NULL,
    missed_slots integer NOT NULL,
    latencies bytea NOT NULL,
    p95_us integer,
    slow_slots integer DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.check_hours
    ADD CONSTRAINT check_hours_pkey PRIMARY KEY (tenant_id, check_id, start_time);

ALTER TABLE public.check_hours ENABLE ROW LEVEL SECURITY;

CREATE POLICY rollup ON public.check_hours TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.check_hours TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT ON TABLE public.check_hours TO sentinel_monitor;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.check_hours TO sentinel_rollup;


-- Table check_periods

CREATE TABLE public.check_periods (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone,
    interval_us bigint NOT NULL,
    CONSTRAINT check_periods_check CHECK ((end_time > start_time))
);

ALTER TABLE ONLY public.check_periods
    ADD CONSTRAINT check_periods_pkey PRIMARY KEY (tenant_id, check_id, start_time);

ALTER TABLE ONLY public.check_periods
    ADD CONSTRAINT check_periods_tenant_id_check_id_fkey FOREIGN KEY (tenant_id, check_id) REFERENCES public.checks(tenant_id, id) ON DELETE CASCADE;

CREATE UNIQUE INDEX check_periods_open ON public.check_periods USING btree (tenant_id, check_id) WHERE (end_time IS NULL);

ALTER TABLE public.check_periods ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.check_periods TO sentinel_engine USING (true);

CREATE POLICY rollup ON public.check_periods TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.check_periods TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,UPDATE ON TABLE public.check_periods TO sentinel_monitor;
GRANT SELECT ON TABLE public.check_periods TO sentinel_engine;
GRANT SELECT ON TABLE public.check_periods TO sentinel_worker;
GRANT SELECT ON TABLE public.check_periods TO sentinel_rollup;


-- Table check_rollups

CREATE TABLE public.check_rollups (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    rolled_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.check_rollups
    ADD CONSTRAINT check_rollups_pkey PRIMARY KEY (tenant_id, check_id);

ALTER TABLE ONLY public.check_rollups
    ADD CONSTRAINT check_rollups_tenant_id_check_id_fkey FOREIGN KEY (tenant_id, check_id) REFERENCES public.checks(tenant_id, id) ON DELETE CASCADE;

CREATE INDEX check_rollups_rolled_time ON public.check_rollups USING btree (rolled_time, tenant_id, check_id);

ALTER TABLE public.check_rollups ENABLE ROW LEVEL SECURITY;

CREATE POLICY rollup ON public.check_rollups TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.check_rollups TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT ON TABLE public.check_rollups TO sentinel_monitor;
GRANT SELECT,UPDATE ON TABLE public.check_rollups TO sentinel_rollup;


-- Table check_states

CREATE TABLE public.check_states (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    state smallint NOT NULL,
    state_time timestamp with time zone,
    streak smallint NOT NULL,
    streak_outcome smallint NOT NULL,
    streak_time timestamp with time zone,
    verdict_time timestamp with time zone,
    accounted_time timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.check_states
    ADD CONSTRAINT check_states_pkey PRIMARY KEY (tenant_id, check_id);

ALTER TABLE ONLY public.check_states
    ADD CONSTRAINT check_states_tenant_id_check_id_fkey FOREIGN KEY (tenant_id, check_id) REFERENCES public.checks(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE public.check_states ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.check_states TO sentinel_engine USING (true);

CREATE POLICY rollup ON public.check_states TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.check_states TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT ON TABLE public.check_states TO sentinel_monitor;
GRANT SELECT,UPDATE ON TABLE public.check_states TO sentinel_engine;
GRANT SELECT ON TABLE public.check_states TO sentinel_rollup;
GRANT UPDATE (check_id, state, state_time, streak, streak_outcome, streak_time, verdict_time) ON TABLE public.check_states TO sentinel_monitor;


-- Table checks

CREATE TABLE public.checks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    shard smallint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    spec jsonb NOT NULL,
    interval_us bigint NOT NULL,
    timeout_us bigint NOT NULL,
    failure_threshold smallint NOT NULL,
    recovery_threshold smallint NOT NULL,
    retries smallint NOT NULL,
    request_id uuid,
    create_time timestamp with time zone NOT NULL,
    update_time timestamp with time zone NOT NULL,
    retry_delay_us bigint DEFAULT 250000 NOT NULL,
    spec_message jsonb,
    CONSTRAINT checks_check CHECK ((timeout_us < interval_us)),
    CONSTRAINT checks_shard_check CHECK (((shard >= 0) AND (shard <= 255)))
);

ALTER TABLE ONLY public.checks
    ADD CONSTRAINT checks_name UNIQUE (tenant_id, service_id, name);

ALTER TABLE ONLY public.checks
    ADD CONSTRAINT checks_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.checks
    ADD CONSTRAINT checks_request_id UNIQUE (tenant_id, request_id);

ALTER TABLE ONLY public.checks
    ADD CONSTRAINT checks_tenant_id_service_id_fkey FOREIGN KEY (tenant_id, service_id) REFERENCES public.services(tenant_id, id) ON DELETE CASCADE;

CREATE INDEX checks_shard ON public.checks USING btree (shard);

CREATE INDEX checks_update_time ON public.checks USING btree (update_time);

CREATE TRIGGER write_both_specs BEFORE INSERT OR UPDATE OF spec, spec_message ON public.checks FOR EACH ROW EXECUTE FUNCTION public.write_both_specs();

ALTER TABLE public.checks ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.checks TO sentinel_engine USING (true);

CREATE POLICY rollup ON public.checks TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.checks TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.checks TO sentinel_monitor;
GRANT SELECT ON TABLE public.checks TO sentinel_worker;
GRANT SELECT ON TABLE public.checks TO sentinel_engine;
GRANT SELECT (tenant_id, id, service_id, interval_us) ON TABLE public.checks TO sentinel_rollup;


-- Table clusters

CREATE TABLE public.clusters (
    number smallint NOT NULL,
    system_identifier bigint NOT NULL,
    enter_time timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT clusters_number_check CHECK ((number >= 0))
);

ALTER TABLE ONLY public.clusters
    ADD CONSTRAINT clusters_pkey PRIMARY KEY (number);


-- Table heartbeat_reception

CREATE TABLE public.heartbeat_reception (
    id boolean DEFAULT true NOT NULL,
    last_time timestamp with time zone NOT NULL,
    outage_start_time timestamp with time zone,
    outage_end_time timestamp with time zone,
    CONSTRAINT heartbeat_reception_id_check CHECK (id)
)
WITH (fillfactor='10');

ALTER TABLE ONLY public.heartbeat_reception
    ADD CONSTRAINT heartbeat_reception_pkey PRIMARY KEY (id);

GRANT SELECT,UPDATE ON TABLE public.heartbeat_reception TO sentinel_worker;
GRANT SELECT ON TABLE public.heartbeat_reception TO sentinel_engine;


-- Table heartbeats

CREATE TABLE public.heartbeats (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    last_signal_time timestamp with time zone,
    last_success_time timestamp with time zone,
    last_exit_code bigint,
    signals bigint DEFAULT 0 NOT NULL,
    last_failure_time timestamp with time zone,
    last_failure_code bigint,
    CONSTRAINT heartbeats_last_exit_code_check CHECK (((last_exit_code >= '-2147483648'::integer) AND (last_exit_code <= '4294967295'::bigint))),
    CONSTRAINT heartbeats_last_failure_code_check CHECK (((last_failure_code >= '-2147483648'::integer) AND (last_failure_code <= '4294967295'::bigint)))
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.heartbeats
    ADD CONSTRAINT heartbeats_pkey PRIMARY KEY (tenant_id, check_id);

ALTER TABLE ONLY public.heartbeats
    ADD CONSTRAINT heartbeats_tenant_id_check_id_fkey FOREIGN KEY (tenant_id, check_id) REFERENCES public.checks(tenant_id, id) ON DELETE CASCADE;

CREATE UNIQUE INDEX heartbeats_token_hash ON public.heartbeats USING btree (token_hash);

ALTER TABLE public.heartbeats ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.heartbeats FOR SELECT TO sentinel_engine USING (true);

CREATE POLICY tenant_isolation ON public.heartbeats TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT INSERT ON TABLE public.heartbeats TO sentinel_monitor;
GRANT SELECT (tenant_id, check_id), UPDATE (token_hash) ON TABLE public.heartbeats TO sentinel_monitor;
GRANT SELECT (tenant_id, check_id, last_signal_time, last_success_time, last_exit_code, last_failure_time, last_failure_code) ON TABLE public.heartbeats TO sentinel_engine;


-- Table incident_events

CREATE TABLE public.incident_events (
    tenant_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    id uuid NOT NULL,
    create_time timestamp with time zone NOT NULL,
    kind smallint NOT NULL,
    actor_kind smallint,
    actor_id uuid,
    actor_name text DEFAULT ''::text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    CONSTRAINT incident_events_kind_check CHECK (((kind >= 1) AND (kind <= 4)))
);

ALTER TABLE ONLY public.incident_events
    ADD CONSTRAINT incident_events_pkey PRIMARY KEY (tenant_id, incident_id, id);

ALTER TABLE ONLY public.incident_events
    ADD CONSTRAINT incident_events_tenant_id_incident_id_fkey FOREIGN KEY (tenant_id, incident_id) REFERENCES public.incidents(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE public.incident_events ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.incident_events TO sentinel_engine USING (true);

CREATE POLICY tenant_isolation ON public.incident_events TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT INSERT ON TABLE public.incident_events TO sentinel_engine;
GRANT SELECT,INSERT ON TABLE public.incident_events TO sentinel_monitor;


-- Table incidents

CREATE TABLE public.incidents (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    check_id uuid NOT NULL,
    service_name text NOT NULL,
    check_name text NOT NULL,
    start_time timestamp with time zone NOT NULL,
    detect_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone,
    resolution smallint,
    acknowledge_time timestamp with time zone,
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
    failed_assertions text,
    CONSTRAINT incidents_check CHECK ((detect_time >= start_time)),
    CONSTRAINT incidents_check1 CHECK ((end_time >= start_time)),
    CONSTRAINT incidents_check2 CHECK (((end_time IS NULL) = (resolution IS NULL))),
    CONSTRAINT incidents_resolution_check CHECK (((resolution >= 1) AND (resolution <= 4)))
);

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

CREATE INDEX incidents_of_check ON public.incidents USING btree (tenant_id, check_id, end_time);

CREATE INDEX incidents_of_service ON public.incidents USING btree (tenant_id, service_id, id);

CREATE INDEX incidents_of_tenant ON public.incidents USING btree (tenant_id, end_time);

CREATE UNIQUE INDEX incidents_open ON public.incidents USING btree (tenant_id, check_id) WHERE (end_time IS NULL);

CREATE INDEX incidents_open_of_service ON public.incidents USING btree (tenant_id, service_id) WHERE (end_time IS NULL);

ALTER TABLE public.incidents ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.incidents TO sentinel_engine USING (true);

CREATE POLICY tenant_isolation ON public.incidents TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT ON TABLE public.incidents TO sentinel_engine;
GRANT SELECT ON TABLE public.incidents TO sentinel_monitor;
GRANT UPDATE (end_time, resolution, last_error_kind, last_error_message, last_status_code) ON TABLE public.incidents TO sentinel_engine;
GRANT UPDATE (end_time, resolution, acknowledge_time, last_error_kind, last_error_message, last_status_code) ON TABLE public.incidents TO sentinel_monitor;


-- Table invitations

CREATE TABLE public.invitations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    email text NOT NULL,
    role smallint NOT NULL,
    token_hash bytea NOT NULL,
    create_time timestamp with time zone NOT NULL,
    expire_time timestamp with time zone NOT NULL,
    CONSTRAINT invitations_role_check CHECK (((role >= 1) AND (role <= 3)))
);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_email UNIQUE (tenant_id, email);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_token UNIQUE (tenant_id, token_hash);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE public.invitations ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.invitations TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,DELETE ON TABLE public.invitations TO sentinel_auth;


-- Table maintenance_spans

CREATE TABLE public.maintenance_spans (
    tenant_id uuid NOT NULL,
    window_id uuid NOT NULL,
    service_id uuid,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone NOT NULL,
    CONSTRAINT maintenance_spans_check CHECK ((end_time > start_time))
);

ALTER TABLE ONLY public.maintenance_spans
    ADD CONSTRAINT maintenance_spans_pkey PRIMARY KEY (tenant_id, window_id, start_time);

ALTER TABLE ONLY public.maintenance_spans
    ADD CONSTRAINT maintenance_spans_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.maintenance_spans
    ADD CONSTRAINT maintenance_spans_tenant_id_service_id_fkey FOREIGN KEY (tenant_id, service_id) REFERENCES public.services(tenant_id, id) ON DELETE CASCADE;

CREATE INDEX maintenance_spans_service ON public.maintenance_spans USING btree (tenant_id, service_id);

CREATE INDEX maintenance_spans_time ON public.maintenance_spans USING btree (tenant_id, start_time);

ALTER TABLE public.maintenance_spans ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.maintenance_spans TO sentinel_engine USING (true);

CREATE POLICY rollup ON public.maintenance_spans TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.maintenance_spans TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.maintenance_spans TO sentinel_monitor;
GRANT SELECT ON TABLE public.maintenance_spans TO sentinel_engine;
GRANT SELECT ON TABLE public.maintenance_spans TO sentinel_rollup;


-- Table maintenance_windows

CREATE TABLE public.maintenance_windows (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid,
    name text NOT NULL,
    start_time timestamp with time zone NOT NULL,
    duration_us bigint NOT NULL,
    rrule text NOT NULL,
    time_zone text NOT NULL,
    request_id uuid,
    create_time timestamp with time zone NOT NULL,
    planned_time timestamp with time zone NOT NULL,
    update_time timestamp with time zone NOT NULL,
    CONSTRAINT maintenance_windows_duration_us_check CHECK ((duration_us > 0))
);

ALTER TABLE ONLY public.maintenance_windows
    ADD CONSTRAINT maintenance_windows_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.maintenance_windows
    ADD CONSTRAINT maintenance_windows_request_id UNIQUE (tenant_id, request_id);

ALTER TABLE ONLY public.maintenance_windows
    ADD CONSTRAINT maintenance_windows_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.maintenance_windows
    ADD CONSTRAINT maintenance_windows_tenant_id_service_id_fkey FOREIGN KEY (tenant_id, service_id) REFERENCES public.services(tenant_id, id) ON DELETE CASCADE;

CREATE INDEX maintenance_windows_planned_time ON public.maintenance_windows USING btree (planned_time) WHERE (rrule <> ''::text);

CREATE INDEX maintenance_windows_service ON public.maintenance_windows USING btree (tenant_id, service_id);

ALTER TABLE public.maintenance_windows ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.maintenance_windows TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.maintenance_windows TO sentinel_monitor;


-- Table on_demand_results

CREATE TABLE public.on_demand_results (
    tenant_id uuid CONSTRAINT results_tenant_id_not_null NOT NULL,
    check_id uuid CONSTRAINT results_check_id_not_null NOT NULL,
    slot_time timestamp with time zone CONSTRAINT results_slot_time_not_null NOT NULL,
    service_id uuid CONSTRAINT results_service_id_not_null NOT NULL,
    start_time timestamp with time zone,
    interval_us bigint CONSTRAINT results_interval_us_not_null NOT NULL,
    recorded_xid bigint DEFAULT ((pg_current_xact_id())::text)::bigint CONSTRAINT results_recorded_xid_not_null NOT NULL,
    outcome smallint CONSTRAINT results_outcome_not_null NOT NULL,
    error_kind smallint,
    missed_reason smallint,
    slot_count integer DEFAULT 1 CONSTRAINT results_slot_count_not_null NOT NULL,
    status_code smallint,
    dns_us integer,
    connect_us integer,
    tls_us integer,
    ttfb_us integer,
    transfer_us integer,
    total_us integer,
    body_bytes integer,
    redirects smallint DEFAULT 0 CONSTRAINT results_redirects_not_null NOT NULL,
    attempt smallint DEFAULT 0 CONSTRAINT results_attempt_not_null NOT NULL,
    tls_not_after timestamp with time zone,
    resolved_ip inet,
    http_version text,
    error_message text DEFAULT ''::text CONSTRAINT results_error_message_not_null NOT NULL,
    worker_id text CONSTRAINT results_worker_id_not_null NOT NULL,
    tls_version text,
    failed_assertions text,
    slow boolean DEFAULT false NOT NULL,
    attempts text,
    tls_warning text,
    CONSTRAINT results_outcome_check CHECK (((outcome >= 1) AND (outcome <= 4)))
);

ALTER TABLE ONLY public.on_demand_results
    ADD CONSTRAINT on_demand_results_pkey PRIMARY KEY (tenant_id, check_id, slot_time);

ALTER TABLE ONLY public.on_demand_results
    ADD CONSTRAINT on_demand_results_tenant_id_check_id_fkey FOREIGN KEY (tenant_id, check_id) REFERENCES public.checks(tenant_id, id) ON DELETE CASCADE;

CREATE INDEX on_demand_results_slot_time ON public.on_demand_results USING btree (slot_time);

ALTER TABLE public.on_demand_results ENABLE ROW LEVEL SECURITY;

CREATE POLICY rollup ON public.on_demand_results TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.on_demand_results TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT ON TABLE public.on_demand_results TO sentinel_worker;
GRANT SELECT ON TABLE public.on_demand_results TO sentinel_monitor;
GRANT DELETE ON TABLE public.on_demand_results TO sentinel_rollup;
GRANT SELECT (tenant_id, check_id, slot_time) ON TABLE public.on_demand_results TO sentinel_rollup;


-- Table rate_limits

CREATE UNLOGGED TABLE public.rate_limits (
    key bytea NOT NULL,
    empty_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (key);

CREATE INDEX rate_limits_empty_time ON public.rate_limits USING btree (empty_time);

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rate_limits TO sentinel_auth;


-- Table refresh_tokens

CREATE TABLE public.refresh_tokens (
    tenant_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    create_time timestamp with time zone NOT NULL,
    spend_time timestamp with time zone
);

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (tenant_id, token_hash);

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_tenant_id_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES public.sessions(tenant_id, id) ON DELETE CASCADE;

CREATE INDEX refresh_tokens_session ON public.refresh_tokens USING btree (tenant_id, session_id);

CREATE INDEX refresh_tokens_spend_time ON public.refresh_tokens USING btree (spend_time) WHERE (spend_time IS NOT NULL);

ALTER TABLE public.refresh_tokens ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.refresh_tokens TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.refresh_tokens TO sentinel_auth;


-- Table removed_checks

CREATE TABLE public.removed_checks (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    remove_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.removed_checks
    ADD CONSTRAINT removed_checks_pkey PRIMARY KEY (tenant_id, check_id);

ALTER TABLE ONLY public.removed_checks
    ADD CONSTRAINT removed_checks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

CREATE INDEX removed_checks_remove_time ON public.removed_checks USING btree (remove_time);

ALTER TABLE public.removed_checks ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.removed_checks TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT INSERT ON TABLE public.removed_checks TO sentinel_monitor;


-- Table results

CREATE TABLE public.results (
    tenant_id uuid NOT NULL,
    check_id uuid NOT NULL,
    slot_time timestamp with time zone NOT NULL,
    service_id uuid NOT NULL,
    start_time timestamp with time zone,
    interval_us bigint NOT NULL,
    recorded_xid bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    outcome smallint NOT NULL,
    error_kind smallint,
    missed_reason smallint,
    slot_count integer DEFAULT 1 NOT NULL,
    status_code smallint,
    dns_us integer,
    connect_us integer,
    tls_us integer,
    ttfb_us integer,
    transfer_us integer,
    total_us integer,
    body_bytes integer,
    redirects smallint DEFAULT 0 NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL,
    tls_not_after timestamp with time zone,
    resolved_ip inet,
    http_version text,
    error_message text DEFAULT ''::text NOT NULL,
    worker_id text NOT NULL,
    tls_version text,
    failed_assertions text,
    slow boolean DEFAULT false NOT NULL,
    attempts text,
    tls_warning text,
    CONSTRAINT results_outcome_check CHECK (((outcome >= 1) AND (outcome <= 4)))
)
PARTITION BY RANGE (slot_time);

ALTER TABLE ONLY public.results
    ADD CONSTRAINT results_pkey PRIMARY KEY (tenant_id, check_id, slot_time);

CREATE INDEX results_recorded_xid ON ONLY public.results USING btree (recorded_xid);

ALTER TABLE public.results ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.results TO sentinel_engine USING (true);

CREATE POLICY rollup ON public.results TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.results TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT ON TABLE public.results TO sentinel_monitor;
GRANT SELECT ON TABLE public.results TO sentinel_worker;
GRANT SELECT,INSERT ON TABLE public.results TO sentinel_engine;
GRANT SELECT ON TABLE public.results TO sentinel_rollup;


-- Table revocations

CREATE TABLE public.revocations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind smallint NOT NULL,
    subject uuid NOT NULL,
    role smallint,
    reason text NOT NULL,
    create_time timestamp with time zone NOT NULL,
    CONSTRAINT revocations_kind_check CHECK (((kind >= 1) AND (kind <= 5)))
);

ALTER TABLE ONLY public.revocations
    ADD CONSTRAINT revocations_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.revocations
    ADD CONSTRAINT revocations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

CREATE INDEX revocations_create_time ON public.revocations USING btree (create_time);

ALTER TABLE public.revocations ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.revocations TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT INSERT ON TABLE public.revocations TO sentinel_auth;


-- Table secrets

CREATE TABLE public.secrets (
    name text NOT NULL,
    value bytea NOT NULL
);

ALTER TABLE ONLY public.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (name);

GRANT SELECT ON TABLE public.secrets TO sentinel_auth;
GRANT SELECT ON TABLE public.secrets TO sentinel_monitor;
GRANT SELECT ON TABLE public.secrets TO sentinel_worker;


-- Table services

CREATE TABLE public.services (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    description text NOT NULL,
    labels jsonb NOT NULL,
    request_id uuid,
    create_time timestamp with time zone NOT NULL,
    update_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_name UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_request_id UNIQUE (tenant_id, request_id);

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE public.services ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.services FOR SELECT TO sentinel_engine USING (true);

CREATE POLICY tenant_isolation ON public.services TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.services TO sentinel_monitor;
GRANT SELECT ON TABLE public.services TO sentinel_worker;
GRANT SELECT (tenant_id, id, name) ON TABLE public.services TO sentinel_engine;


-- Table sessions

CREATE TABLE public.sessions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    create_time timestamp with time zone NOT NULL,
    expire_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone,
    last_use_time timestamp with time zone NOT NULL,
    client text DEFAULT ''::text NOT NULL,
    address text DEFAULT ''::text NOT NULL
);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id) ON DELETE CASCADE;

CREATE INDEX sessions_end_time ON public.sessions USING btree (end_time) WHERE (end_time IS NOT NULL);

CREATE INDEX sessions_expire_time ON public.sessions USING btree (expire_time);

CREATE INDEX sessions_user ON public.sessions USING btree (tenant_id, user_id);

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.sessions TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO sentinel_auth;


-- Table shard_leases

CREATE TABLE public.shard_leases (
    shard smallint NOT NULL,
    worker_id text,
    epoch bigint DEFAULT 0 NOT NULL,
    expire_time timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.shard_leases
    ADD CONSTRAINT shard_leases_pkey PRIMARY KEY (shard);

GRANT SELECT,UPDATE ON TABLE public.shard_leases TO sentinel_engine;
GRANT SELECT ON TABLE public.shard_leases TO sentinel_worker;
GRANT SELECT ON TABLE public.shard_leases TO sentinel_monitor;


-- Table signing_keys

CREATE TABLE public.signing_keys (
    kid text NOT NULL,
    public_key bytea NOT NULL,
    create_time timestamp with time zone NOT NULL,
    retire_time timestamp with time zone
);

ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (kid);

GRANT SELECT,INSERT ON TABLE public.signing_keys TO sentinel_auth;
GRANT SELECT ON TABLE public.signing_keys TO sentinel_monitor;
GRANT SELECT ON TABLE public.signing_keys TO sentinel_worker;
GRANT UPDATE (retire_time) ON TABLE public.signing_keys TO sentinel_auth;


-- Table tenant_invitations

CREATE TABLE public.tenant_invitations (
    id uuid NOT NULL,
    token_hash bytea NOT NULL,
    note text NOT NULL,
    create_time timestamp with time zone NOT NULL,
    expire_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.tenant_invitations
    ADD CONSTRAINT tenant_invitations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenant_invitations
    ADD CONSTRAINT tenant_invitations_token UNIQUE (token_hash);

GRANT SELECT,INSERT,DELETE ON TABLE public.tenant_invitations TO sentinel_auth;


-- Table tenant_suspensions

CREATE TABLE public.tenant_suspensions (
    tenant_id uuid NOT NULL,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone,
    reason text NOT NULL
);

ALTER TABLE ONLY public.tenant_suspensions
    ADD CONSTRAINT tenant_suspensions_pkey PRIMARY KEY (tenant_id, start_time);

ALTER TABLE ONLY public.tenant_suspensions
    ADD CONSTRAINT tenant_suspensions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

CREATE UNIQUE INDEX tenant_suspensions_open ON public.tenant_suspensions USING btree (tenant_id) WHERE (end_time IS NULL);

ALTER TABLE public.tenant_suspensions ENABLE ROW LEVEL SECURITY;

CREATE POLICY engine ON public.tenant_suspensions TO sentinel_engine USING (true);

CREATE POLICY rollup ON public.tenant_suspensions TO sentinel_rollup USING (true);

CREATE POLICY tenant_isolation ON public.tenant_suspensions TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,UPDATE ON TABLE public.tenant_suspensions TO sentinel_auth;
GRANT SELECT ON TABLE public.tenant_suspensions TO sentinel_monitor;
GRANT SELECT ON TABLE public.tenant_suspensions TO sentinel_engine;
GRANT SELECT ON TABLE public.tenant_suspensions TO sentinel_rollup;


-- Table tenants

CREATE TABLE public.tenants (
    id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    create_time timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_slug UNIQUE (slug);

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.tenants TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT ON TABLE public.tenants TO sentinel_auth;


-- Table users

CREATE TABLE public.users (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    email text NOT NULL,
    display_name text NOT NULL,
    role smallint NOT NULL,
    password_hash text NOT NULL,
    create_time timestamp with time zone NOT NULL,
    disable_time timestamp with time zone,
    update_time timestamp with time zone NOT NULL,
    CONSTRAINT users_role_check CHECK (((role >= 1) AND (role <= 3)))
);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email UNIQUE (tenant_id, email);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON public.users TO sentinel_auth, sentinel_monitor, sentinel_worker USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO sentinel_auth;


-- Table workers

CREATE TABLE public.workers (
    id text NOT NULL,
    start_time timestamp with time zone NOT NULL,
    renew_time timestamp with time zone NOT NULL,
    instance_id uuid NOT NULL,
    host text NOT NULL,
    version text NOT NULL,
    checks_held integer NOT NULL,
    runs_in_flight integer NOT NULL,
    runs_waiting integer NOT NULL,
    lag_p50_us integer,
    lag_p99_us integer,
    runs_per_second double precision NOT NULL
);

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_instance_id UNIQUE (instance_id);

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workers TO sentinel_engine;
GRANT SELECT ON TABLE public.workers TO sentinel_worker;
GRANT SELECT ON TABLE public.workers TO sentinel_monitor;


-- Function api_key_of_hash

CREATE FUNCTION public.api_key_of_hash(wanted bytea) RETURNS TABLE(tenant_id uuid, id uuid, role smallint, expire_time timestamp with time zone, suspend_reason text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT k.tenant_id, k.id, k.role, k.expire_time, s.reason
    FROM public.api_keys k
    LEFT JOIN public.tenant_suspensions s ON s.tenant_id = k.tenant_id AND s.end_time IS NULL
    WHERE k.key_hash = wanted
    $$;

REVOKE ALL ON FUNCTION public.api_key_of_hash(wanted bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.api_key_of_hash(wanted bytea) TO sentinel_auth;
GRANT ALL ON FUNCTION public.api_key_of_hash(wanted bytea) TO sentinel_monitor;
GRANT ALL ON FUNCTION public.api_key_of_hash(wanted bytea) TO sentinel_worker;


-- Function checks_to_seal

CREATE FUNCTION public.checks_to_seal(newest text, secret_name text, hidden text, after_tenant uuid, after_check uuid, most integer) RETURNS TABLE(tenant_id uuid, check_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
        SELECT c.tenant_id, c.id FROM public.checks c
        WHERE (c.tenant_id, c.id) > (after_tenant, after_check)
          AND (c.spec_message->'sealed'->>'key' <> newest OR EXISTS (
              SELECT FROM jsonb_each_text(c.spec_message->'http'->'headers') AS h
              WHERE h.key ~* secret_name AND h.value NOT IN (hidden, '')))
        ORDER BY c.tenant_id, c.id LIMIT most
    $$;

REVOKE ALL ON FUNCTION public.checks_to_seal(newest text, secret_name text, hidden text, after_tenant uuid, after_check uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.checks_to_seal(newest text, secret_name text, hidden text, after_tenant uuid, after_check uuid, most integer) TO sentinel_monitor;


-- Function credentials_used

CREATE FUNCTION public.credentials_used(tenant_ids uuid[], credential_ids uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    UPDATE public.sessions s SET last_use_time = now()
    FROM unnest(tenant_ids, credential_ids) AS used (tenant_id, id)
    WHERE s.tenant_id = used.tenant_id AND s.id = used.id AND s.last_use_time < now() - interval '30 seconds';
    UPDATE public.api_keys k SET last_use_time = now()
    FROM unnest(tenant_ids, credential_ids) AS used (tenant_id, id)
    WHERE k.tenant_id = used.tenant_id AND k.id = used.id
      AND (k.last_use_time IS NULL OR k.last_use_time < now() - interval '30 seconds');
    $$;

REVOKE ALL ON FUNCTION public.credentials_used(tenant_ids uuid[], credential_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.credentials_used(tenant_ids uuid[], credential_ids uuid[]) TO sentinel_auth;
GRANT ALL ON FUNCTION public.credentials_used(tenant_ids uuid[], credential_ids uuid[]) TO sentinel_monitor;
GRANT ALL ON FUNCTION public.credentials_used(tenant_ids uuid[], credential_ids uuid[]) TO sentinel_worker;


-- Function drop_results_day

CREATE FUNCTION public.drop_results_day(before date) RETURNS date
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '200ms'
    AS $_$
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
$_$;

REVOKE ALL ON FUNCTION public.drop_results_day(before date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.drop_results_day(before date) TO sentinel_rollup;


-- Function enter_cluster

CREATE FUNCTION public.enter_cluster() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '5s'
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

REVOKE ALL ON FUNCTION public.enter_cluster() FROM PUBLIC;
GRANT ALL ON FUNCTION public.enter_cluster() TO sentinel_worker;
GRANT ALL ON FUNCTION public.enter_cluster() TO sentinel_tail;
GRANT ALL ON FUNCTION public.enter_cluster() TO sentinel_engine;


-- Function forget_expired

CREATE FUNCTION public.forget_expired(most integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

REVOKE ALL ON FUNCTION public.forget_expired(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.forget_expired(most integer) TO sentinel_auth;


-- Function login_of

CREATE FUNCTION public.login_of(wanted_slug text, wanted_email text, from_address text) RETURNS TABLE(tenant_id uuid, slug text, name text, tenant_create_time timestamp with time zone, id uuid, email text, display_name text, role smallint, create_time timestamp with time zone, update_time timestamp with time zone, disable_time timestamp with time zone, password_hash text, address_is_known boolean, suspend_reason text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

REVOKE ALL ON FUNCTION public.login_of(wanted_slug text, wanted_email text, from_address text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.login_of(wanted_slug text, wanted_email text, from_address text) TO sentinel_auth;


-- Function maintenance_windows_to_plan

CREATE FUNCTION public.maintenance_windows_to_plan(until timestamp with time zone) RETURNS TABLE(tenant_id uuid, window_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
        SELECT w.tenant_id, w.id FROM public.maintenance_windows w
        WHERE w.rrule <> '' AND w.planned_time < until ORDER BY w.planned_time LIMIT 100
    $$;

REVOKE ALL ON FUNCTION public.maintenance_windows_to_plan(until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.maintenance_windows_to_plan(until timestamp with time zone) TO sentinel_monitor;


-- Function make_results_day_ahead

CREATE FUNCTION public.make_results_day_ahead(day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '200ms'
    AS $$
BEGIN
    PERFORM public.make_results_partition(day);
EXCEPTION WHEN lock_not_available THEN
    NULL;
END
$$;

REVOKE ALL ON FUNCTION public.make_results_day_ahead(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_results_day_ahead(day date) TO sentinel_rollup;


-- Function make_results_partition

CREATE FUNCTION public.make_results_partition(day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

REVOKE ALL ON FUNCTION public.make_results_partition(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_results_partition(day date) TO sentinel_engine;


-- Function name_of_actor

CREATE FUNCTION public.name_of_actor(actor uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT email FROM public.users
    WHERE tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND id = actor
    UNION ALL
    SELECT name FROM public.api_keys
    WHERE tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND id = actor
    $$;

REVOKE ALL ON FUNCTION public.name_of_actor(actor uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.name_of_actor(actor uuid) TO sentinel_auth;
GRANT ALL ON FUNCTION public.name_of_actor(actor uuid) TO sentinel_monitor;


-- Function recording_frontier

CREATE FUNCTION public.recording_frontier(OUT cluster bigint, OUT frontier bigint) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT c.system_identifier, (c.number::bigint << 48) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    FROM public.clusters c ORDER BY c.number DESC LIMIT 1
$$;

REVOKE ALL ON FUNCTION public.recording_frontier(OUT cluster bigint, OUT frontier bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.recording_frontier(OUT cluster bigint, OUT frontier bigint) TO sentinel_worker;
GRANT ALL ON FUNCTION public.recording_frontier(OUT cluster bigint, OUT frontier bigint) TO sentinel_tail;


-- Function remove_history

CREATE FUNCTION public.remove_history(most integer, aside uuid[] DEFAULT '{}'::uuid[], OUT more boolean, OUT failed_check uuid, OUT failure text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

REVOKE ALL ON FUNCTION public.remove_history(most integer, aside uuid[], OUT more boolean, OUT failed_check uuid, OUT failure text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_history(most integer, aside uuid[], OUT more boolean, OUT failed_check uuid, OUT failure text) TO sentinel_monitor;


-- Function report_heartbeats

CREATE FUNCTION public.report_heartbeats(hashes bytea[], exit_codes smallint[], successes boolean[], counts integer[]) RETURNS SETOF bytea
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
    WITH told AS (
        SELECT h.tenant_id, h.check_id, s.exit_code, s.success, s.signals
        FROM unnest(hashes, exit_codes, successes, counts) AS s (token_hash, exit_code, success, signals)
        JOIN public.heartbeats h ON h.token_hash = s.token_hash
        ORDER BY h.tenant_id, h.check_id
        FOR UPDATE OF h
    )
    UPDATE public.heartbeats h SET
        last_signal_time = greatest(h.last_signal_time, now()),
        last_success_time = CASE WHEN t.success THEN greatest(h.last_success_time, now()) ELSE h.last_success_time END,
        last_exit_code = t.exit_code,
        signals = h.signals + t.signals
    FROM told t WHERE h.tenant_id = t.tenant_id AND h.check_id = t.check_id
    RETURNING h.token_hash
    $$;

CREATE FUNCTION public.report_heartbeats(hashes bytea[], exit_codes bigint[], successes boolean[], failures boolean[], failure_codes bigint[], counts integer[]) RETURNS SETOF bytea
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
    WITH told AS (
        SELECT h.tenant_id, h.check_id, s.exit_code, s.success, s.failure, s.failure_code, s.signals
        FROM unnest(hashes, exit_codes, successes, failures, failure_codes, counts)
            AS s (token_hash, exit_code, success, failure, failure_code, signals)
        JOIN public.heartbeats h ON h.token_hash = s.token_hash
        ORDER BY h.tenant_id, h.check_id
        FOR UPDATE OF h
    )
    UPDATE public.heartbeats h SET
        last_signal_time = greatest(h.last_signal_time, now()),
        last_success_time = CASE WHEN t.success THEN greatest(h.last_success_time, now()) ELSE h.last_success_time END,
        last_failure_time = CASE WHEN t.failure THEN greatest(h.last_failure_time, now()) ELSE h.last_failure_time END,
        last_failure_code = CASE WHEN t.failure THEN t.failure_code ELSE h.last_failure_code END,
        last_exit_code = t.exit_code,
        signals = h.signals + t.signals
    FROM told t WHERE h.tenant_id = t.tenant_id AND h.check_id = t.check_id
    RETURNING h.token_hash
    $$;

REVOKE ALL ON FUNCTION public.report_heartbeats(hashes bytea[], exit_codes smallint[], successes boolean[], counts integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.report_heartbeats(hashes bytea[], exit_codes smallint[], successes boolean[], counts integer[]) TO sentinel_worker;
REVOKE ALL ON FUNCTION public.report_heartbeats(hashes bytea[], exit_codes bigint[], successes boolean[], failures boolean[], failure_codes bigint[], counts integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.report_heartbeats(hashes bytea[], exit_codes bigint[], successes boolean[], failures boolean[], failure_codes bigint[], counts integer[]) TO sentinel_worker;


-- Function restart_grid

CREATE FUNCTION public.restart_grid(shards smallint[], here timestamp with time zone, most interval) RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

REVOKE ALL ON FUNCTION public.restart_grid(shards smallint[], here timestamp with time zone, most interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.restart_grid(shards smallint[], here timestamp with time zone, most interval) TO sentinel_engine;


-- Function results_recorded_behind

CREATE FUNCTION public.results_recorded_behind(tenant uuid, after_xid bigint, after_slot timestamp with time zone, after_check uuid, until_xid bigint, until_slot timestamp with time zone, until_check uuid, most integer) RETURNS SETOF public.results
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
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

REVOKE ALL ON FUNCTION public.results_recorded_behind(tenant uuid, after_xid bigint, after_slot timestamp with time zone, after_check uuid, until_xid bigint, until_slot timestamp with time zone, until_check uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.results_recorded_behind(tenant uuid, after_xid bigint, after_slot timestamp with time zone, after_check uuid, until_xid bigint, until_slot timestamp with time zone, until_check uuid, most integer) TO sentinel_worker;


-- Function revoked_since

CREATE FUNCTION public.revoked_since(moment timestamp with time zone) RETURNS TABLE(kind smallint, subject uuid, role smallint, reason text, create_time timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT r.kind, r.subject, r.role, r.reason, r.create_time
    FROM public.revocations r WHERE r.create_time >= moment ORDER BY r.create_time, r.id
    $$;

REVOKE ALL ON FUNCTION public.revoked_since(moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.revoked_since(moment timestamp with time zone) TO sentinel_auth;
GRANT ALL ON FUNCTION public.revoked_since(moment timestamp with time zone) TO sentinel_monitor;
GRANT ALL ON FUNCTION public.revoked_since(moment timestamp with time zone) TO sentinel_worker;


-- Function rows_to_seal

CREATE FUNCTION public.rows_to_seal(of_table text, of_column text, newest text, secret_name text, hidden text, after_tenant uuid, after_row uuid, most integer) RETURNS TABLE(tenant_id uuid, row_id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

REVOKE ALL ON FUNCTION public.rows_to_seal(of_table text, of_column text, newest text, secret_name text, hidden text, after_tenant uuid, after_row uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rows_to_seal(of_table text, of_column text, newest text, secret_name text, hidden text, after_tenant uuid, after_row uuid, most integer) TO sentinel_monitor;


-- Function slug_of_tenant

CREATE FUNCTION public.slug_of_tenant(wanted uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT slug FROM public.tenants WHERE id = wanted $$;

REVOKE ALL ON FUNCTION public.slug_of_tenant(wanted uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.slug_of_tenant(wanted uuid) TO sentinel_monitor;
GRANT ALL ON FUNCTION public.slug_of_tenant(wanted uuid) TO sentinel_worker;


-- Function spec_assertion_from_message

CREATE FUNCTION public.spec_assertion_from_message(kind text, given jsonb, only_slow boolean) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
        SELECT jsonb_build_object(kind, CASE kind
            WHEN 'status' THEN '{"codes": [], "ranges": []}' || given
            WHEN 'body_contains' THEN jsonb_build_object('text', given)
            WHEN 'body_not_contains' THEN jsonb_build_object('text', given)
            WHEN 'body_matches' THEN jsonb_build_object('expression', given)
            WHEN 'json_path' THEN (
                SELECT jsonb_build_object('path', given->'path', 'comparison', key, 'operand', value)
                FROM jsonb_each(given - 'path'))
            WHEN 'header' THEN (
                SELECT jsonb_build_object('name', given->'name', 'comparison', key, 'operand', value)
                FROM jsonb_each(given - 'name'))
            WHEN 'certificate_days_left' THEN jsonb_build_object('days', given)
            WHEN 'max_total_time' THEN jsonb_build_object(
                'limit_us', public.spec_span_from_message(given #>> '{}'), 'only_slow', only_slow)
            WHEN 'max_phase_time' THEN jsonb_build_object(
                'phase', lower(substr(given->>'phase', 13)),
                'limit_us', public.spec_span_from_message(given->>'limit'), 'only_slow', only_slow)
        END)
    $$;


-- Function spec_assertion_to_message

CREATE FUNCTION public.spec_assertion_to_message(kind text, given jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
        SELECT jsonb_build_object(kind, CASE kind
            WHEN 'status' THEN jsonb_strip_nulls(jsonb_build_object(
                'codes', NULLIF(given->'codes', '[]'), 'ranges', NULLIF(given->'ranges', '[]')))
            WHEN 'body_contains' THEN given->'text'
            WHEN 'body_not_contains' THEN given->'text'
            WHEN 'body_matches' THEN given->'expression'
            WHEN 'json_path' THEN jsonb_build_object(
                'path', given->'path', given->>'comparison', given->'operand')
            WHEN 'header' THEN jsonb_build_object(
                'name', given->'name', given->>'comparison', given->'operand')
            WHEN 'certificate_days_left' THEN given->'days'
            WHEN 'max_total_time' THEN to_jsonb(public.spec_span_to_message((given->>'limit_us')::bigint))
            WHEN 'max_phase_time' THEN jsonb_build_object(
                'phase', 'TIMED_PHASE_' || upper(given->>'phase'),
                'limit', public.spec_span_to_message((given->>'limit_us')::bigint))
        END) || CASE WHEN (given->>'only_slow')::boolean THEN '{"only_slow": true}' ELSE '{}' END::jsonb
    $$;


-- Function spec_from_message

CREATE FUNCTION public.spec_from_message(kind text, message jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
        SELECT CASE kind
            WHEN 'heartbeat' THEN jsonb_build_object(
                'period_us', public.spec_span_from_message(message->>'interval'),
                'grace_us', COALESCE(public.spec_span_from_message(given->>'grace'), 0))
            WHEN 'http' THEN jsonb_build_object(
                'url', given->'url',
                'method', COALESCE(given->'method', '"GET"'),
                'headers', COALESCE((
                    SELECT jsonb_agg(jsonb_build_array(key, value) ORDER BY key COLLATE "C")
                    FROM jsonb_each(given->'headers')), '[]'),
                'body', COALESCE(given->'body', '""'),
                'expected_statuses', COALESCE(given->'expected_status', '[]'),
                'follow_redirects', COALESCE(given->'follow_redirects', 'true'),
                'max_redirects', COALESCE(given->'max_redirects', '5'),
                'body_contains', COALESCE(given->'body_contains', '""'),
                'tls', '{"skip_verify": false, "ca_certificates": "", "server_name": ""}' || (given->'tls'),
                'assertions', COALESCE((
                    SELECT jsonb_agg(public.spec_assertion_from_message(named.key, named.value, assertion ? 'only_slow')
                        ORDER BY place)
                    FROM jsonb_array_elements(given->'assertions') WITH ORDINALITY AS listed (assertion, place),
                        jsonb_each(assertion - 'only_slow') named), '[]')
            ) || CASE
                WHEN given ?| ARRAY['basic_auth', 'bearer_token', 'client_certificate', 'secret_headers']
                THEN jsonb_build_object('auth', jsonb_build_object(
                    'basic_auth', '{"username": "", "password": ""}' || (given->'basic_auth'),
                    'bearer_token', COALESCE(given->'bearer_token', '""'),
                    'client_certificate', '{"certificate": "", "private_key": ""}' || (given->'client_certificate'),
                    'secret_headers', COALESCE(given->'secret_headers', '[]')))
                ELSE '{}'
            END
            WHEN 'dns' THEN '{"expected": [], "server": ""}' || given
            WHEN 'grpc' THEN '{"service": "", "tls": false, "skip_verify": false, "ca_certificates": "",'
                ' "server_name": ""}' || given
            WHEN 'tcp' THEN '{"send": "", "expect": ""}' || given
            WHEN 'tls' THEN '{"min_days_left": 0, "skip_verify": false, "ca_certificates": "", "server_name": ""}'
                || given || jsonb_build_object('start_tls', CASE given->>'start_tls'
                    WHEN 'START_TLS_SMTP' THEN 1 WHEN 'START_TLS_IMAP' THEN 2 END)
        END || CASE WHEN message ? 'sealed' THEN jsonb_build_object('sealed', message->'sealed') ELSE '{}' END
        FROM (VALUES (message->kind)) AS one (given)
    $$;


-- Function spec_span_from_message

CREATE FUNCTION public.spec_span_from_message(span text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT
    AS $$ SELECT (rtrim(span, 's')::numeric * 1000000)::bigint $$;


-- Function spec_span_to_message

CREATE FUNCTION public.spec_span_to_message(us bigint) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
        SELECT us / 1000000 || CASE
            WHEN us % 1000000 = 0 THEN ''
            WHEN us % 1000 = 0 THEN '.' || lpad((us % 1000000 / 1000)::text, 3, '0')
            ELSE '.' || lpad((us % 1000000)::text, 6, '0')
        END || 's'
    $$;


-- Function spec_to_message

CREATE FUNCTION public.spec_to_message(kind text, spec jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
        SELECT CASE kind
            WHEN 'heartbeat' THEN jsonb_build_object(
                'interval', public.spec_span_to_message((spec->>'period_us')::bigint),
                kind, jsonb_build_object('grace', public.spec_span_to_message((spec->>'grace_us')::bigint)))
            WHEN 'http' THEN jsonb_build_object(kind, jsonb_strip_nulls(jsonb_build_object(
                'url', spec->'url',
                'method', spec->'method',
                'headers', (
                    SELECT jsonb_object_agg(pair->>0, pair->>1) FROM jsonb_array_elements(spec->'headers') pair),
                'body', NULLIF(spec->'body', '""'),
                'expected_status', NULLIF(spec->'expected_statuses', '[]'),
                'follow_redirects', spec->'follow_redirects',
                'max_redirects', COALESCE(spec->'max_redirects', '5'),
                'body_contains', NULLIF(spec->'body_contains', '""'),
                'tls', public.spec_without_zeros(NULLIF(spec->'tls', 'null')),
                'basic_auth', public.spec_without_zeros(NULLIF(spec->'auth'->'basic_auth', 'null')),
                'bearer_token', NULLIF(spec->'auth'->'bearer_token', '""'),
                'client_certificate', public.spec_without_zeros(
                    NULLIF(spec->'auth'->'client_certificate', 'null')),
                'secret_headers', NULLIF(spec->'auth'->'secret_headers', '[]')
            )) || CASE WHEN spec->'assertions' <> '[]' THEN jsonb_build_object('assertions', (
                SELECT jsonb_agg(public.spec_assertion_to_message(named.key, named.value) ORDER BY place)
                FROM jsonb_array_elements(spec->'assertions') WITH ORDINALITY AS listed (assertion, place),
                    jsonb_each(assertion) named
            )) ELSE '{}' END)
            WHEN 'tls' THEN jsonb_build_object(kind, public.spec_without_zeros(spec - 'start_tls' - 'sealed') || CASE
                spec->>'start_tls'
                WHEN '1' THEN '{"start_tls": "START_TLS_SMTP"}'
                WHEN '2' THEN '{"start_tls": "START_TLS_IMAP"}'
                ELSE '{}'
            END::jsonb)
            ELSE jsonb_build_object(kind, public.spec_without_zeros(spec - 'sealed'))
        END || CASE WHEN spec ? 'sealed' THEN jsonb_build_object('sealed', spec->'sealed') ELSE '{}' END
    $$;


-- Function spec_without_zeros

CREATE FUNCTION public.spec_without_zeros(given jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
        SELECT COALESCE(jsonb_object_agg(key, value), '{}') FROM jsonb_each(given)
        WHERE value NOT IN ('null', 'false', '0', '""', '[]')
    $$;


-- Function tail_of_results

CREATE FUNCTION public.tail_of_results(tenants uuid[], after_xid bigint, after_slot timestamp with time zone, after_check uuid, frontier bigint, most integer) RETURNS SETOF public.results
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
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

REVOKE ALL ON FUNCTION public.tail_of_results(tenants uuid[], after_xid bigint, after_slot timestamp with time zone, after_check uuid, frontier bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tail_of_results(tenants uuid[], after_xid bigint, after_slot timestamp with time zone, after_check uuid, frontier bigint, most integer) TO sentinel_tail;


-- Function take_attempt

CREATE FUNCTION public.take_attempt(keys bytea[], every interval[], burst integer[]) RETURNS interval
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

REVOKE ALL ON FUNCTION public.take_attempt(keys bytea[], every interval[], burst integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.take_attempt(keys bytea[], every interval[], burst integer[]) TO sentinel_auth;


-- Function tenant_of_slug

CREATE FUNCTION public.tenant_of_slug(wanted text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT id FROM public.tenants WHERE slug = wanted $$;

REVOKE ALL ON FUNCTION public.tenant_of_slug(wanted text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tenant_of_slug(wanted text) TO sentinel_auth;


-- Function user_and_tenant

CREATE FUNCTION public.user_and_tenant(wanted_tenant uuid, wanted_user uuid) RETURNS TABLE(tenant_id uuid, slug text, name text, tenant_create_time timestamp with time zone, id uuid, email text, display_name text, role smallint, create_time timestamp with time zone, update_time timestamp with time zone, disable_time timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

REVOKE ALL ON FUNCTION public.user_and_tenant(wanted_tenant uuid, wanted_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.user_and_tenant(wanted_tenant uuid, wanted_user uuid) TO sentinel_auth;


-- Function write_both_specs

CREATE FUNCTION public.write_both_specs() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.spec_message IS NULL
        OR TG_OP = 'UPDATE' AND NEW.spec_message IS NOT DISTINCT FROM OLD.spec_message
    THEN
        NEW.spec_message := public.spec_to_message(NEW.kind, NEW.spec);
    ELSE
        NEW.spec := public.spec_from_message(NEW.kind, NEW.spec_message);
    END IF;
    RETURN NEW;
END
$$;
