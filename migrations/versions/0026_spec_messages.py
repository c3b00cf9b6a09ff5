"""Specs are stored as the contract's message, in the JSON of Protobuf, instead of the JSON of our own codec.

Expand: `spec_message` holds what `spec` held. Processes of the version before read and write `spec`, those of this
version read and write `spec_message`, and a trigger writes each from the other. Revision 0027 converts what is there.
Encrypted secrets are copied as they are. Contract, in a later version: drop the trigger, its functions and `spec`, and
let `spec_message` be NOT NULL.

The functions below are all that knows both forms. They do not depend on the code of any version.
"""

import importlib

from alembic import op

revision = "0026"
down_revision = "0025"

statements = importlib.import_module("migrations.versions.0001_first_tables").statements

# Of microseconds, as Protobuf prints a Duration: with no, three or six decimals.
SPANS = """
CREATE FUNCTION spec_span_to_message(us bigint) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
        SELECT us / 1000000 || CASE
            WHEN us % 1000000 = 0 THEN ''
            WHEN us % 1000 = 0 THEN '.' || lpad((us % 1000000 / 1000)::text, 3, '0')
            ELSE '.' || lpad((us % 1000000)::text, 6, '0')
        END || 's'
    $$;

CREATE FUNCTION spec_span_from_message(span text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT
    AS $$ SELECT (rtrim(span, 's')::numeric * 1000000)::bigint $$;
"""

# An assertion is an object with one key, its kind, and an object of our own fields. In the contract's message some
# kinds are a bare value, and only_slow is beside the kind.
ASSERTIONS = """
CREATE FUNCTION spec_assertion_to_message(kind text, given jsonb) RETURNS jsonb
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

CREATE FUNCTION spec_assertion_from_message(kind text, given jsonb, only_slow boolean) RETURNS jsonb
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
"""

# Protobuf leaves out texts and lists that are empty, and false and 0, unless the contract has presence for the field.
TO_MESSAGE = """
CREATE FUNCTION spec_without_zeros(given jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
        SELECT COALESCE(jsonb_object_agg(key, value), '{}') FROM jsonb_each(given)
        WHERE value NOT IN ('null', 'false', '0', '""', '[]')
    $$;

CREATE FUNCTION spec_to_message(kind text, spec jsonb) RETURNS jsonb
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
"""

# What the version before wrote: all fields, with their defaults.
FROM_MESSAGE = """
CREATE FUNCTION spec_from_message(kind text, message jsonb) RETURNS jsonb
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
"""

TRIGGER = """
CREATE FUNCTION write_both_specs() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
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

CREATE TRIGGER write_both_specs BEFORE INSERT OR UPDATE OF spec, spec_message ON checks
    FOR EACH ROW EXECUTE FUNCTION write_both_specs();
"""

# As before, on the new column.
SEALING = """
CREATE OR REPLACE FUNCTION checks_to_seal(
    newest text, secret_name text, hidden text, after_tenant uuid, after_check uuid, most int
)
    RETURNS TABLE (tenant_id uuid, check_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT c.tenant_id, c.id FROM public.checks c
        WHERE (c.tenant_id, c.id) > (after_tenant, after_check)
          AND (c.spec_message->'sealed'->>'key' <> newest OR EXISTS (
              SELECT FROM jsonb_each_text(c.spec_message->'http'->'headers') AS h
              WHERE h.key ~* secret_name AND h.value NOT IN (hidden, '')))
        ORDER BY c.tenant_id, c.id LIMIT most
    $$;
"""
FORMER_SEALING = importlib.import_module("migrations.versions.0014_secrets").CHANGES.split("REVOKE")[0]


def upgrade() -> None:
    """Let the two columns follow each other."""
    op.execute("ALTER TABLE checks ADD spec_message jsonb")
    for part in (SPANS, ASSERTIONS, TO_MESSAGE, FROM_MESSAGE, TRIGGER, SEALING):
        for statement in statements(part):
            op.execute(statement)


def downgrade() -> None:
    """Keep the column that the version before reads, which is up to date."""
    op.execute(FORMER_SEALING.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.execute("DROP TRIGGER write_both_specs ON checks")
    op.execute(
        "DROP FUNCTION write_both_specs, spec_from_message, spec_to_message, spec_without_zeros,"
        " spec_assertion_from_message, spec_assertion_to_message, spec_span_from_message, spec_span_to_message"
    )
    op.execute("ALTER TABLE checks DROP spec_message")
