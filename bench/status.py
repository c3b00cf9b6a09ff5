"""What it costs to ask how services are, beside months of results that a generator writes; at the server's use cases.

The generator writes hours and days as the rollup would leave them, for as long as the history is, and raw results only
for as long as fits: what is before a check's mark is not read raw, so it would only fill the disk.
"""

import json
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import uvloop

from bench.report import Line, at_most, told
from services.common.clock import DAY_US, HOUR_US, MINUTE_US, now_us, to_datetime
from services.common.database import Database
from services.common.paging import Pager
from services.common.sealed import Sealer
from services.common.specs.http import HttpSpec
from services.monitor.figures.closing import floor
from services.monitor.figures.figures import SeriesWanted, ServiceFigures
from services.monitor.figures.latency import Latencies, bucket_of
from services.monitor.figures.overview import Overviews
from services.monitor.figures.rollup import Keep, Rollup
from services.monitor.quotas import Quotas
from services.monitor.services import ServiceFilter, ServiceOrder, Services
from services.monitor.status import Status
from services.monitor.store import MonitorStore
from services.monitor.store.rollups import RollupSql
from tests.database import running

CHECKS = 500
MANY_SERVICES = 5_000
RAW_DAYS = 2
ROLLED_CHECKS = 5_000
ROUNDS = 200
KEEP = Keep(30 * DAY_US, 400 * DAY_US)

# A service with one check of a minute each; nothing of it is random, so that each run measures the same.
_MAKE = """
    WITH made AS (
        INSERT INTO services
        SELECT $1, gen_random_uuid(), $2 || n, '', '', '{}', NULL, $3, $3 FROM generate_series(1, $4::integer) n
        RETURNING tenant_id, id
    ), checked AS (
        INSERT INTO checks
        SELECT tenant_id, gen_random_uuid(), id, 0, 'home', 'http', $5, 60000000, 10000000, 2, 1, 0, NULL, $3, $3
        FROM made
        RETURNING tenant_id, id
    ), state AS (
        INSERT INTO check_states SELECT tenant_id, id, 1, $3, 3, 1, $3, now(), now() FROM checked
    ), period AS (
        INSERT INTO check_periods SELECT tenant_id, id, $3, NULL, 60000000 FROM checked
    )
    INSERT INTO check_rollups SELECT tenant_id, id, $6 FROM checked
"""
_RESULTS = """
    INSERT INTO results (tenant_id, check_id, slot_time, service_id, start_time, interval_us, outcome, status_code,
                         total_us, attempt, worker_id)
    SELECT c.tenant_id, c.id, t, c.service_id, t, 60000000, 1, 200,
           20000 + (extract(epoch FROM t)::bigint % 7) * 900, 1, 'w'
    FROM checks c, generate_series($2::timestamptz, $3::timestamptz, interval '1 minute') t WHERE c.tenant_id = $1
"""
_CLOSED = """
    INSERT INTO {table}
    SELECT c.tenant_id, c.id, t, {us}, {us}, 0, {us} / 60000000, 0, 0, 0, $4, 25000
    FROM checks c, generate_series($2::timestamptz, $3::timestamptz - interval '1 {unit}', interval '1 {unit}') t
    WHERE c.tenant_id = $1
"""


def measure(folder: Path) -> list[Line]:
    """Run it."""
    with running(folder / "status") as server:
        return uvloop.run(_measure(server.admin_url))


async def _measure(url: str) -> list[Line]:
    admin = await asyncpg.connect(url)
    database, rollup_database = Database(url, "sentinel_monitor"), Database(url, "sentinel_rollup", size=1)
    try:
        return await _ask(admin, database, RollupSql(rollup_database))
    finally:
        await admin.close()
        await database.close()
        await rollup_database.close()


async def _ask(admin: "asyncpg.Connection[asyncpg.Record]", database: Database, rollups: RollupSql) -> list[Line]:
    now = now_us()
    begun = time.perf_counter()
    tenant = await _tenant(admin, "old", CHECKS, 90, now)
    young = await _tenant(admin, "young", CHECKS, 1, now)
    many = await _tenant(admin, "many", MANY_SERVICES, 2, now, raw_us=0)
    rows = await admin.fetchval("SELECT count(*) FROM results")
    await admin.execute("VACUUM ANALYZE")
    made_s = time.perf_counter() - begun

    store = MonitorStore(database)
    figures = ServiceFigures(store, KEEP)
    status, overviews = Status(store), Overviews(store)
    services = Services(store, Pager(Sealer(b"bench", "page")), Quotas(10_000, 10_000), figures)
    ids = {each: await admin.fetch("SELECT id FROM services WHERE tenant_id = $1", each) for each in (tenant, young)}

    async def timed(ask: Callable[[int], Awaitable[object]], rounds: int = ROUNDS) -> list[float]:
        for number in range(10):
            await ask(number)
        took = []
        for number in range(rounds):
            start = time.perf_counter()
            await ask(number)
            took.append((time.perf_counter() - start) * 1000)
        return sorted(took)

    def of(whose: UUID) -> Callable[[int], UUID]:
        return lambda number: UUID(bytes=ids[whose][number % CHECKS]["id"].bytes)

    old = await timed(lambda n: status.of_service(tenant, of(tenant)(n)))
    fresh = await timed(lambda n: status.of_service(young, of(young)(n)))
    series = await timed(lambda n: figures.series(tenant, of(tenant)(n), SeriesWanted("90d", bucket="1d")))
    listed = await timed(lambda _: services.list(tenant, ServiceFilter(), ServiceOrder(), 200, ""), 40)
    begun = time.perf_counter()
    await overviews.of_tenant(many)
    first_ms = (time.perf_counter() - begun) * 1000
    seen = await timed(lambda _: overviews.of_tenant(many), 40)

    p50 = statistics.median
    return [
        told("history made: checks x days rolled up", CHECKS * 90, "check-days"),
        told("raw results in it", rows / 1e6, "million"),
        told("made in", made_s, "s"),
        at_most("GetServiceStatus, all windows, p50", p50(old), "ms", 10),
        at_most("its p99", old[int(len(old) * 0.99)], "ms", 30),
        at_most("of 90 days over of 1 day, p50", p50(old) / p50(fresh), "x", 1.5),
        at_most("series of 90 days, p50", p50(series), "ms", 25),
        at_most("ListServices, 200 with state and 24 h, p50", p50(listed), "ms", 50),
        at_most(f"overview of {MANY_SERVICES} services, p50", p50(seen), "ms", 30),
        told("the first one in an hour", first_ms, "ms"),
        *await _roll(admin, rollups, now),
    ]


async def _roll(admin: "asyncpg.Connection[asyncpg.Record]", rollups: RollupSql, now: int) -> list[Line]:
    """One hour of many checks, told for a hundred thousand."""
    settled = floor(now - 10 * MINUTE_US, HOUR_US)
    await _tenant(admin, "rolled", ROLLED_CHECKS, 0, now, raw_us=now - settled + HOUR_US)
    await admin.execute("ANALYZE")
    begun = time.perf_counter()
    await Rollup(rollups, KEEP).round(now)
    took_s = time.perf_counter() - begun
    return [at_most("rolling up one hour of 100,000 checks (20 x 5,000)", took_s * 100_000 / ROLLED_CHECKS, "s", 60)]


async def _tenant(
    admin: "asyncpg.Connection[asyncpg.Record]",
    slug: str,
    checks: int,
    days: int,
    now: int,
    raw_us: int = RAW_DAYS * DAY_US,
) -> UUID:
    """A tenant with so many services of one check each, rolled up for some days, and raw results for less."""
    tenant = UUID(bytes=(await admin.fetchval("SELECT gen_random_uuid()")).bytes)
    await admin.execute("INSERT INTO tenants VALUES ($1, $2, $2, now())", tenant, slug)
    end = floor(now - 10 * MINUTE_US, HOUR_US)
    start = floor(now - days * DAY_US, DAY_US) if days else end - HOUR_US
    mark = end if days else start
    spec = json.dumps(HttpSpec("http://t.test/").to_json())
    await admin.execute(_MAKE, tenant, slug, to_datetime(start), checks, spec, to_datetime(mark))
    raw = max(start, now - raw_us)
    for day in range(floor(raw, DAY_US), now + DAY_US, DAY_US):
        await admin.execute("SELECT make_results_partition($1)", to_datetime(day).date())
    await admin.execute(_RESULTS, tenant, to_datetime(raw), to_datetime(now))
    if days:
        # Latencies from 20 to 90 ms, in as many buckets as so many runs would fall into.
        for table, unit, us, until, buckets in (
            ("check_hours", "hour", HOUR_US, end, 40),
            ("check_days", "day", DAY_US, floor(end, DAY_US), 100),
        ):
            took_us = (int(20_000 * 4.5 ** (number / buckets)) for number in range(buckets))
            packed = Latencies({bucket_of(each): us // MINUTE_US // buckets + 1 for each in took_us}).pack()
            await admin.execute(
                _CLOSED.format(table=table, unit=unit, us=us),
                tenant, to_datetime(start), to_datetime(until), packed,
            )  # fmt: skip
    return tenant
