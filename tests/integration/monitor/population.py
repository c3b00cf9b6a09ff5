"""A tenant's services with months of history, made by the database itself: what plans and counts are asked of."""

from services.checks.specs.http import HttpSpec
from services.monitor.figures.closed_hours import floor
from services.monitor.figures.latency import Latencies, bucket_of
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, now_us, to_datetime
from tests.integration.monitor.conftest import Admin, Monitor
from tests.support.rows import spec_column

RAW_DAYS = 1
ROLLED_DAYS = 60

_SERVICES = """
    INSERT INTO services (tenant_id, id, name, url, description, labels, create_time, update_time)
    SELECT $1, gen_random_uuid(), 'service ' || n, '', '', '{"team": "web"}', $2, $2
    FROM generate_series(1, $3::integer) n
"""
_CHECKS = """
    WITH checked AS (
        INSERT INTO checks (tenant_id, id, service_id, shard, name, kind, spec_message, interval_us, timeout_us,
                            failure_threshold, recovery_threshold, retries, create_time, update_time)
        SELECT s.tenant_id, gen_random_uuid(), s.id, n, 'check ' || n, 'http', $4, 60000000, 10000000, 2, 1, 0, $2, $2
        FROM services s, generate_series(1, $3::integer) n WHERE s.tenant_id = $1
        RETURNING tenant_id, id
    ), state AS (
        INSERT INTO check_states (tenant_id, check_id, state, state_time, streak, streak_outcome, streak_time,
                                  verdict_time, accounted_time)
        SELECT tenant_id, id, 1, $2, 3, 1, $2, now(), now() FROM checked
    ), period AS (
        INSERT INTO check_periods (tenant_id, check_id, start_time, interval_us)
        SELECT tenant_id, id, $2, 60000000 FROM checked
    )
    INSERT INTO check_rollups (tenant_id, check_id, rolled_time) SELECT tenant_id, id, $5 FROM checked
"""
_RESULTS = """
    INSERT INTO {table} (tenant_id, check_id, slot_time, service_id, start_time, interval_us, outcome, status_code,
                         total_us, attempt, worker_id)
    SELECT c.tenant_id, c.id, t, c.service_id, t, 60000000, 1, 200, 20000, 1, 'w'
    FROM checks c, generate_series($2::timestamptz, $3::timestamptz, interval '1 minute') t WHERE c.tenant_id = $1
"""
_CLOSED = """
    INSERT INTO {table} (tenant_id, check_id, start_time, life_us, up_us, down_us, up_slots, down_slots, error_slots,
                         missed_slots, latencies, p95_us)
    SELECT c.tenant_id, c.id, t, {us}, {us}, 0, {us} / 60000000, 0, 0, 0, $4, 25000
    FROM checks c, generate_series($2::timestamptz, $3::timestamptz - interval '1 {unit}', interval '1 {unit}') t
    WHERE c.tenant_id = $1
"""
# Of each check one every half a day, so that to walk over all of them is never the best way, and the last one open.
_INCIDENTS = """
    WITH made AS (
        INSERT INTO incidents (tenant_id, id, service_id, check_id, service_name, check_name, start_time, detect_time,
                               end_time, resolution)
        SELECT c.tenant_id, gen_random_uuid(), c.service_id, c.id, 's', c.name, t, t,
               CASE WHEN t <= $3 - interval '13 hours' THEN t + interval '1 hour' END,
               CASE WHEN t <= $3 - interval '13 hours' THEN 1 END
        FROM checks c, generate_series($2::timestamptz, $3::timestamptz - interval '1 hour', interval '12 hours') t
        WHERE c.tenant_id = $1
        RETURNING tenant_id, id, start_time
    )
    INSERT INTO incident_events (tenant_id, incident_id, id, create_time, kind)
    SELECT tenant_id, id, gen_random_uuid(), start_time, n FROM made, generate_series(1, 2) n
"""
_WINDOWS = """
    WITH made AS (
        INSERT INTO maintenance_windows (tenant_id, id, service_id, name, start_time, duration_us, rrule, time_zone,
                                         create_time, planned_time, update_time)
        SELECT s.tenant_id, gen_random_uuid(), s.id, 'nightly', $2, 60000000, 'FREQ=DAILY', '', $2,
               $3::timestamptz + interval '90 days', $2
        FROM services s WHERE s.tenant_id = $1
        RETURNING tenant_id, id, service_id
    )
    INSERT INTO maintenance_spans (tenant_id, window_id, service_id, start_time, end_time)
    SELECT tenant_id, id, service_id, t, t + interval '1 minute'
    FROM made, generate_series($2::timestamptz, $3::timestamptz + interval '90 days', interval '1 day') t
"""


async def populate(admin: Admin, monitor: Monitor, services: int, checks: int) -> None:
    """Give a tenant services, and each of those checks, with a result each minute, incidents and nightly windows."""
    now, tenant = now_us(), monitor.tenant_id
    # Behind at any minute of an hour, so that there is a tail to read.
    closed = floor(now, HOUR_US) - 2 * HOUR_US
    # Whole days: a partition with few rows is read from end to end, which is right for it.
    start, raw = (floor(now - days * DAY_US, DAY_US) for days in (ROLLED_DAYS, RAW_DAYS))
    spec = spec_column(HttpSpec(url="http://t.test/"))
    since, until = to_datetime(start), to_datetime(now)
    await admin.execute(_SERVICES, tenant, since, services)
    await admin.execute(_CHECKS, tenant, since, checks, spec, to_datetime(closed))
    # Until the day is over, so that no day has but a few, at whatever time this runs.
    tomorrow = floor(now, DAY_US) + DAY_US
    for day in range(raw, tomorrow, DAY_US):
        await admin.execute("SELECT make_results_partition($1)", to_datetime(day).date())
    for table in ("results", "on_demand_results"):
        first, last = raw, tomorrow - MINUTE_US
        await admin.execute(_RESULTS.format(table=table), tenant, to_datetime(first), to_datetime(last))
    packed = Latencies({bucket_of(20_000 + number * 900): 9 for number in range(7)}).pack()
    for table, unit, us, end in (
        ("check_hours", "hour", HOUR_US, closed),
        ("check_days", "day", DAY_US, floor(closed, DAY_US)),
    ):
        await admin.execute(_CLOSED.format(table=table, unit=unit, us=us), tenant, since, to_datetime(end), packed)
    await admin.execute(_INCIDENTS, tenant, since, until)
    await admin.execute(_WINDOWS, tenant, since, until)
