"""SQL of a tenant's overview, in a constant number of statements."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Row, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from services.monitor.figures.closed_hours import CheckHistory
from services.monitor.figures.incident_sums import IncidentSums
from services.monitor.figures.latency import Latencies
from services.monitor.figures.overview import RecordedOverview, SlowCheck, WorkerCoverage
from services.monitor.figures.uptime import Figures
from services.monitor.service_state import CheckCounts
from services.monitor.store.base import Sql
from services.monitor.store.figure_inputs import ADDED, PACKED, figures_of_sums
from services.monitor.store.figures import read_results, read_watermarks, rollup_watermarks
from services.monitor.store.incident_sums import read_incident_sums_of_tenant
from services.monitor.store.incidents import newest_open
from services.monitor.store.services import check_counts_of_all
from services.platform.clock import HOUR_US, to_datetime
from services.platform.postgres.database import Database
from services.platform.security.secret_box import NO_KEYS, SecretBox
from services.shared_sql.tables import check_rollups

_Key = tuple[UUID, int, int, int | None]
_MOST_CACHED = 10_000
_NEWEST = 5

# The checks whose hours are all closed, as a number that differs when one is added or removed.
_WHICH = text("""
    SELECT count(*) AS checks, bit_xor(uuid_hash_extended(check_id, 0)) AS ids
    FROM check_rollups WHERE tenant_id = :tenant AND rolled_time >= :end
""").bindparams(bindparam("tenant", type_=Uuid), bindparam("end", type_=TIMESTAMP(timezone=True)))

_CHECK_COUNTS = check_counts_of_all(bindparam("tenant", type_=Uuid), bindparam("now", type_=BigInteger))
_SPAN = (
    bindparam("tenant", type_=Uuid),
    *(bindparam(name, type_=TIMESTAMP(timezone=True)) for name in ("start", "end")),
)
_CLOSED = """
    FROM check_rollups k
    JOIN check_hours r ON r.tenant_id = k.tenant_id AND r.check_id = k.check_id
        AND r.start_time >= :start AND r.start_time < :end
    WHERE k.tenant_id = :tenant AND k.rolled_time >= :end
"""
# By hour, because summing all at once would block for long.
_HOURS = text(f"SELECT {ADDED}, {PACKED} {_CLOSED} GROUP BY r.start_time").bindparams(*_SPAN)
_SLOWEST = text(f"""
    WITH slowest AS (
        SELECT k.check_id, r.p95_us {_CLOSED} AND r.p95_us IS NOT NULL ORDER BY r.p95_us DESC, k.check_id LIMIT 5
    )
    SELECT e.check_id, c.service_id, c.name AS check_name, s.name AS service_name, e.p95_us
    FROM slowest e
    JOIN checks c ON c.tenant_id = :tenant AND c.id = e.check_id
    JOIN services s ON s.tenant_id = c.tenant_id AND s.id = c.service_id
    ORDER BY e.p95_us DESC, e.check_id
""").bindparams(*_SPAN)  # noqa: S608 — our own text
# A worker renews every 3 s and counts as dead after 10 s (semantics.md §5, §6).
_WORKERS = text("""
    SELECT (SELECT count(*) FROM workers WHERE renew_time > now() - interval '10 seconds') AS live,
           (SELECT count(*) FROM shard_leases WHERE expire_time > now()) AS held,
           (SELECT count(*) FROM shard_leases) AS shards
""")


class _ClosedTotals(NamedTuple):
    """A cached sum of closed hours, with the set of checks that it covers."""

    key: _Key
    figures: Figures
    slowest: Sequence[SlowCheck]


class _ToAdd(NamedTuple):
    """Closed hours that are read but not summed yet."""

    key: _Key
    nothing: Figures
    hours: Sequence[Row[Any]]
    slowest: Sequence[SlowCheck]


class OverviewSql(Sql):
    """SQL of overviews.

    Args:
        database: transactions under the role sentinel_monitor.
        box: encrypts and decrypts secrets of checks.
    """

    def __init__(self, database: Database, box: SecretBox = NO_KEYS) -> None:
        super().__init__(database, box)
        # By tenant: the sum of closed hours. They never change, so it is valid for the same set of checks.
        self._closed: dict[UUID, _ClosedTotals] = {}

    async def overview(self, tenant_id: UUID, start_us: int, end_us: int, now: int) -> RecordedOverview:
        """Return the recorded data of a tenant's overview: services by state, and figures between full hours.

        Checks whose watermark is at or after the end, which are nearly all, are summed once an hour. The names of the
        slowest checks are those of that time.
        """
        lagging = rollup_watermarks(tenant_id).where(check_rollups.c.rolled_time < to_datetime(end_us))
        async with self._database.tenant(tenant_id) as connection:
            check_counts = [
                (CheckCounts(row.enabled, row.down, row.known, row.maintained), row.services)
                for row in await connection.execute(_CHECK_COUNTS, {"tenant": tenant_id, "now": now})
            ]
            read = await self._read_closed(connection, tenant_id, start_us, end_us)
            behind = await read_results(
                connection, tenant_id, await read_watermarks(connection, lagging), [start_us, end_us], latencies=True
            )
            incidents = await read_incident_sums_of_tenant(connection, tenant_id, start_us, end_us)
            live, held, shards = (await connection.execute(_WORKERS)).one()
            opened, newest = await newest_open(connection, tenant_id, _NEWEST)
        # After the connection is released: the sum of thousands of checks takes a second.
        _, closed, slowest = read if isinstance(read, _ClosedTotals) else await self._add_up(tenant_id, read)
        return RecordedOverview(
            check_counts=check_counts,
            closed=closed,
            tail=list(behind.values()),
            incidents=incidents,
            slowest=slowest,
            workers=WorkerCoverage(live, held, shards),
            open_incidents=opened,
            newest_open=newest,
        )

    async def recorded_of_tenant(
        self, tenant_id: UUID, start_us: int, end_us: int, most: int
    ) -> tuple[Sequence[CheckHistory], IncidentSums] | None:
        """Return the recorded data of a tenant's checks and incidents in a span; None for more than `most` checks."""
        async with self._database.tenant(tenant_id) as connection:
            watermarks = await read_watermarks(connection, rollup_watermarks(tenant_id).limit(most + 1))
            if len(watermarks) > most:
                return None
            found = await read_results(connection, tenant_id, watermarks, [start_us, end_us], latencies=True)
            incidents = await read_incident_sums_of_tenant(connection, tenant_id, start_us, end_us)
        return list(found.values()), incidents

    async def _read_closed(
        self, connection: AsyncConnection, tenant_id: UUID, start_us: int, end_us: int
    ) -> "_ClosedTotals | _ToAdd":
        """Read the figures of closed hours, and the slowest checks of the last one, unless they are cached."""
        end = to_datetime(end_us)
        which = (await connection.execute(_WHICH, {"tenant": tenant_id, "end": end})).one()
        key = (tenant_id, end_us, which.checks, which.ids)
        if (kept := self._closed.get(tenant_id)) is not None and kept.key == key:
            return kept
        span = {"tenant": tenant_id, "start": to_datetime(start_us), "end": end}
        hours = (await connection.execute(_HOURS, span)).all()
        last_hour = {**span, "start": to_datetime(end_us - HOUR_US)}
        slowest = [
            SlowCheck(
                service_id=row.service_id,
                check_id=row.check_id,
                service_name=row.service_name,
                check_name=row.check_name,
                p95_us=row.p95_us,
            )
            for row in await connection.execute(_SLOWEST, last_hour)
        ]
        return _ToAdd(key, Figures(start_us=start_us, end_us=end_us), hours, slowest)

    async def _add_up(self, tenant_id: UUID, read: "_ToAdd") -> "_ClosedTotals":
        """Sum closed hours, and cache the sum."""
        figures = await _sum_hours(read.hours, read.nothing)
        while len(self._closed) >= _MOST_CACHED:
            del self._closed[next(iter(self._closed))]
        kept = self._closed[tenant_id] = _ClosedTotals(read.key, figures, read.slowest)
        return kept


async def _sum_hours(hours: Sequence[Row[Any]], figures: Figures) -> Figures:
    for row in hours:
        hour = figures_of_sums(row, Latencies())
        figures += replace(hour, start_us=figures.start_us, end_us=figures.end_us)
        # An hour of thousands of checks takes tens of milliseconds: other calls run in between.
        for latencies in Latencies.gather_in_steps(row.buckets, row.counts):
            figures = replace(figures, latencies=figures.latencies + latencies)
            await asyncio.sleep(0)
    return figures
