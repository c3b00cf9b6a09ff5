"""The cost of reading statuses with months of generated results, at the use cases of monitor.

The generator writes hours and days as the roll-up would leave them, for the whole history. Raw results of 90 days are
65 million rows; it inserts them by day, newest first, while time and disk space allow, and reports how many.
"""

import shutil
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import uvloop

from bench import history
from bench.report import Line, at_most, figure
from services.checks.tenant_egress import TenantEgress
from services.monitor.figures.closed_hours import floor
from services.monitor.figures.figures import SeriesWanted, ServiceFigures
from services.monitor.figures.overview import Overviews
from services.monitor.figures.rollup import Retention, Rollup
from services.monitor.quotas import Quotas
from services.monitor.services import ServiceFilter, ServiceOrder, Services
from services.monitor.status import Status
from services.monitor.store import MonitorStore
from services.monitor.store.rollups import RollupSql
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, now_us
from services.platform.egress.policy import EgressPolicy
from services.platform.paging import Pager
from services.platform.postgres.database import Database
from services.platform.security.signed_tokens import TokenSigner
from tests.support.database import make_template, running

CHECKS = 500
MANY_SERVICES = 5_000
DAYS = 90
MOST_RAW_S = 120
LEAST_FREE_BYTES = 20 << 30
ROLLED_CHECKS = 5_000
ROUNDS = 200
KEEP = Retention(30 * DAY_US, 400 * DAY_US)


def measure(folder: Path) -> list[Line]:
    """Measure the use cases."""
    with running(folder / "status", make_template(folder / "template"), durable=True) as server:
        return uvloop.run(_measure(server.admin_url, folder))


async def _measure(url: str, folder: Path) -> list[Line]:
    admin = await asyncpg.connect(url)
    database, rollup_database = Database(url, "sentinel_monitor"), Database(url, "sentinel_rollup", size=1)
    try:
        return await _ask(admin, database, RollupSql(rollup_database), folder)
    finally:
        await admin.close()
        await database.close()
        await rollup_database.close()


async def _ask(
    admin: "asyncpg.Connection[asyncpg.Record]", database: Database, rollups: RollupSql, folder: Path
) -> list[Line]:
    now = now_us()
    begun = time.perf_counter()
    tenant, young, many = [await history.new_tenant(admin, slug) for slug in ("old", "young", "many")]
    ids = {
        tenant: await history.fill(admin, tenant, CHECKS, DAYS, now),
        young: await history.fill(admin, young, CHECKS, 1, now),
    }
    await history.fill(admin, many, MANY_SERVICES, 2, now, raw_us=0)
    why = await _more_results(admin, tenant, now, folder)
    await admin.execute("VACUUM ANALYZE", timeout=300)
    rows = await admin.fetchval("SELECT sum(reltuples) FROM pg_class WHERE relname ~ '^results_[0-9]{8}$'")
    made_s = time.perf_counter() - begun

    store = MonitorStore(database)
    figures = ServiceFigures(store, KEEP)
    status, overviews = Status(store), Overviews(store)
    egress = TenantEgress(EgressPolicy())
    services = Services(store, Pager(TokenSigner(b"bench", "page")), Quotas(10_000, 10_000), figures, egress)

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
        return lambda number: ids[whose][number % CHECKS]

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
        figure(f"history made: {CHECKS} checks x days rolled up", DAYS, "days"),
        figure(f"raw results beside it ({why})", rows / 1e6, "million"),
        figure("made in", made_s, "s"),
        at_most("GetServiceStatus, all windows, p50", p50(old), "ms", 10),
        at_most("its p99", old[int(len(old) * 0.99)], "ms", 30),
        at_most("of 90 days over of 1 day, p50", p50(old) / p50(fresh), "x", 1.5),
        at_most("series of 90 days, p50", p50(series), "ms", 25),
        at_most("ListServices, 200 with state and 24 h, p50", p50(listed), "ms", 50),
        at_most(f"overview of {MANY_SERVICES} services, p50", p50(seen), "ms", 30),
        figure("the first one in an hour", first_ms, "ms"),
        *await _roll(admin, rollups, now),
    ]


async def _more_results(admin: "asyncpg.Connection[asyncpg.Record]", tenant: UUID, now: int, folder: Path) -> str:
    """Insert raw results of earlier days while time and disk space allow; return why there are no more."""
    end = time.perf_counter() + MOST_RAW_S
    newest = floor(now - history.RAW_DAYS * DAY_US, DAY_US)
    # Only these benchmarks use them.
    await admin.execute("SET synchronous_commit = off")
    for ago in range(DAYS - history.RAW_DAYS):
        if time.perf_counter() > end:
            return f"as many as {MOST_RAW_S} s made"
        if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
            return "as many as the disk holds"
        day = newest - ago * DAY_US
        # The newest one has its end already.
        await history.results(admin, tenant, day, now - history.RAW_DAYS * DAY_US if ago == 0 else day + DAY_US)
    return f"of all {DAYS} days"


async def _roll(admin: "asyncpg.Connection[asyncpg.Record]", rollups: RollupSql, now: int) -> list[Line]:
    """Roll up one hour of many checks; report it for a hundred thousand."""
    settled = floor(now - 10 * MINUTE_US, HOUR_US)
    tenant = await history.new_tenant(admin, "rolled")
    await history.fill(admin, tenant, ROLLED_CHECKS, 0, now, raw_us=now - settled + HOUR_US)
    await admin.execute("ANALYZE")
    begun = time.perf_counter()
    await Rollup(rollups, KEEP).round(now)
    took_s = time.perf_counter() - begun
    return [at_most("rolling up one hour of 100,000 checks (20 x 5,000)", took_s * 100_000 / ROLLED_CHECKS, "s", 60)]
