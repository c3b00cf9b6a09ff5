"""Months of results of many checks, made by the database itself, as the workers and the rollup would leave them."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.checks.specs.http import HttpSpec
from services.monitor.figures.closing import floor
from services.monitor.figures.latency import Latencies, bucket_of
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, to_datetime
from tests.support.rows import spec_column

RAW_DAYS = 2

# Services with one check of a minute each; nothing of it is random, so that each run measures the same.
_MAKE = """
    WITH made AS (
        INSERT INTO services (tenant_id, id, name, url, description, labels, create_time, update_time)
        SELECT $1, gen_random_uuid(), 'made ' || n, '', '', '{}', $2, $2 FROM generate_series(1, $3::integer) n
        RETURNING tenant_id, id
    ), checked AS (
        INSERT INTO checks (tenant_id, id, service_id, shard, name, kind, spec_message, interval_us, timeout_us,
                            failure_threshold, recovery_threshold, retries, create_time, update_time)
        SELECT tenant_id, gen_random_uuid(), id, 0, 'home', 'http', $4, 60000000, 10000000, 2, 1, 0, $2, $2
        FROM made
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
# In the order in which they would have come.
_RESULTS = """
    INSERT INTO results (tenant_id, check_id, slot_time, service_id, start_time, interval_us, outcome, status_code,
                         total_us, attempt, worker_id)
    SELECT c.tenant_id, c.id, t, c.service_id, t, 60000000, 1, 200,
           20000 + (extract(epoch FROM t)::bigint % 7) * 900, 1, 'w'
    FROM generate_series($2::timestamptz, $3::timestamptz - interval '1 us', interval '1 minute') t, checks c
    WHERE c.tenant_id = $1
"""
_CLOSED = """
    INSERT INTO {table} (tenant_id, check_id, start_time, life_us, up_us, down_us, up_slots, down_slots, error_slots,
                         missed_slots, latencies, p95_us)
    SELECT c.tenant_id, c.id, t, {us}, {us}, 0, {us} / 60000000, 0, 0, 0, $4, 25000
    FROM checks c, generate_series($2::timestamptz, $3::timestamptz - interval '1 {unit}', interval '1 {unit}') t
    WHERE c.tenant_id = $1
"""


async def new_tenant(admin: "asyncpg.Connection[asyncpg.Record]", slug: str) -> UUID:
    """A tenant that nobody has registered."""
    tenant: UUID = await admin.fetchval(
        "INSERT INTO tenants (id, slug, name, create_time) VALUES (gen_random_uuid(), $1, $1, now()) RETURNING id", slug
    )
    return tenant


async def fill(
    admin: "asyncpg.Connection[asyncpg.Record]",
    tenant: UUID,
    checks: int,
    days: int,
    now: int,
    *,
    raw_us: int = RAW_DAYS * DAY_US,
    url: str = "http://t.test/",
) -> Sequence[UUID]:
    """Give a tenant so many services with one check each, rolled up for some days, and raw results for less.

    Args:
        admin: the owner of the tables.
        tenant: whose they are.
        checks: how many.
        days: how long they have been there; 0 for the last closed hour alone, not rolled up yet.
        now: the time.
        raw_us: for how long there are raw results.
        url: what the checks ask.

    Returns:
        The services.
    """
    end = floor(now - 10 * MINUTE_US, HOUR_US)
    start = floor(now - days * DAY_US, DAY_US) if days else end - HOUR_US
    spec = spec_column(HttpSpec(url=url))
    await admin.execute(_MAKE, tenant, to_datetime(start), checks, spec, to_datetime(end if days else start))
    await results(admin, tenant, max(start, now - raw_us), now)
    if days:
        # Latencies from 20 to 90 ms, in as many buckets as so many runs would fall into.
        for table, unit, us, until, buckets in (
            ("check_hours", "hour", HOUR_US, end, 40),
            ("check_days", "day", DAY_US, floor(end, DAY_US), 100),
        ):
            took_us = (int(20_000 * 4.5 ** (number / buckets)) for number in range(buckets))
            packed = Latencies({bucket_of(each): us // MINUTE_US // buckets + 1 for each in took_us}).pack()
            statement = _CLOSED.format(table=table, unit=unit, us=us)
            await admin.execute(statement, tenant, to_datetime(start), to_datetime(until), packed)
    return [row["id"] for row in await admin.fetch("SELECT id FROM services WHERE tenant_id = $1", tenant)]


async def results(admin: "asyncpg.Connection[asyncpg.Record]", tenant: UUID, start_us: int, end_us: int) -> None:
    """A result a minute of each of a tenant's checks, from one point in time until before another."""
    for day in range(floor(start_us, DAY_US), end_us, DAY_US):
        await admin.execute("SELECT make_results_partition($1)", to_datetime(day).date())
        span = to_datetime(max(start_us, day)), to_datetime(min(end_us, day + DAY_US))
        await admin.execute(_RESULTS, tenant, *span, timeout=300)
