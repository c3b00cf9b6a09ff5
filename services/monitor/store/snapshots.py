"""Read the data of a snapshot: all services of a tenant with their checks, incidents and maintenance."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

import asyncpg
import orjson

from services.checks.maintenance import LONGEST_SPAN_US
from services.checks.state import CheckState, Track
from services.monitor.model import Service
from services.monitor.watching.service_snapshot import RecordedCheck, RecordedService
from services.platform.clock import MINUTE_US
from services.platform.postgres.database import tenant_transaction

# Snapshots are read more often than this, so that a span is known before it begins.
_AHEAD_US = MINUTE_US
# Rows are fetched in batches, so that the event loop runs other work in between.
_AT_ONCE = 200

_SERVICES = """
    SELECT s.id, s.name, s.url, s.description, s.labels, s.create_time, s.update_time, coalesce(i.count, 0) AS incidents
    FROM services s
    LEFT JOIN (
        SELECT service_id, count(*) FROM incidents WHERE tenant_id = $1 AND end_time IS NULL GROUP BY service_id
    ) AS i ON i.service_id = s.id
    WHERE s.tenant_id = $1
"""
_CHECKS = """
    SELECT c.service_id, c.name, c.interval_us, t.state, t.state_time, t.verdict_time,
           CASE WHEN o.check_id IS NULL THEN (
               SELECT max(p.end_time) FROM check_periods p WHERE p.tenant_id = c.tenant_id AND p.check_id = c.id
           ) END AS pause_time
    FROM checks c
    JOIN check_states t ON t.tenant_id = c.tenant_id AND t.check_id = c.id
    LEFT JOIN check_periods o ON o.tenant_id = c.tenant_id AND o.check_id = c.id AND o.end_time IS NULL
    WHERE c.tenant_id = $1
"""
SERVICES_OF_TENANT = f"{_SERVICES} ORDER BY s.id"
CHECKS_OF_TENANT = f"{_CHECKS} ORDER BY c.id"
SOME_SERVICES = f"{_SERVICES} AND s.id = ANY($2::uuid[]) ORDER BY s.id"
CHECKS_OF_SOME = f"{_CHECKS} AND c.service_id = ANY($2::uuid[]) ORDER BY c.id"
_SPANS = f"""
    SELECT service_id, start_time, end_time FROM maintenance_spans
    WHERE tenant_id = $1 AND end_time > now()
      AND start_time > now() - make_interval(secs => {LONGEST_SPAN_US} / 1e6)
      AND start_time < now() + make_interval(secs => {_AHEAD_US} / 1e6)
"""  # noqa: S608 — our own numbers


class SnapshotSql:
    """SQL of snapshots.

    Args:
        pool: connections under the role sentinel_monitor, with times in microseconds.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def recorded_services(self, tenant_id: UUID, only: Collection[UUID] | None) -> Collection[RecordedService]:
        """Return all services of a tenant, or some, oldest first, from one snapshot; omit those that do not exist.

        Raises:
            Unavailable: the database is unavailable.
        """
        given = (tenant_id,) if only is None else (tenant_id, list(only))
        spans: defaultdict[UUID | None, list[tuple[int, int]]] = defaultdict(list)
        checks: defaultdict[UUID, list[RecordedCheck]] = defaultdict(list)
        async with tenant_transaction(self._pool, tenant_id, "repeatable_read") as connection:
            for row in await connection.fetch(_SPANS, tenant_id):
                spans[row["service_id"]].append((row["start_time"], row["end_time"]))
            of_checks = CHECKS_OF_TENANT if only is None else CHECKS_OF_SOME
            async for row in connection.cursor(of_checks, *given, prefetch=_AT_ONCE):
                checks[row["service_id"]].append(_check(row))
            for_all = spans.get(None, [])
            of_services = SERVICES_OF_TENANT if only is None else SOME_SERVICES
            return [
                RecordedService(
                    _service(tenant_id, row),
                    row["incidents"],
                    checks.get(row["id"], ()),
                    (*for_all, *spans.get(row["id"], ())),
                )
                async for row in connection.cursor(of_services, *given, prefetch=_AT_ONCE)
            ]


def _check(row: "asyncpg.Record") -> RecordedCheck:
    track = Track(state=CheckState(row["state"]), state_us=row["state_time"], verdict_us=row["verdict_time"])
    return RecordedCheck(row["name"], row["interval_us"], track, row["pause_time"])


def _service(tenant_id: UUID, row: "asyncpg.Record") -> Service:
    return Service(
        tenant_id=tenant_id,
        id=row["id"],
        name=row["name"],
        url=row["url"],
        description=row["description"],
        labels=orjson.loads(row["labels"]),
        create_us=row["create_time"],
        update_us=row["update_time"],
    )
