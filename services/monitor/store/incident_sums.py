"""SQL that sums incidents for figures; done by the database, because a check may have very many."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from services.checks.incident import Resolution
from services.monitor.figures.incident_sums import IncidentSums
from services.platform.clock import to_datetime

_MOMENT = TIMESTAMP(timezone=True)
_SEEN = "i.start_time, i.end_time, i.resolution"
_OF_CHECK = "FROM incidents i WHERE i.tenant_id = :tenant AND i.check_id = w.check_id"


def _added(key: str, seen: str) -> TextClause:
    """Return the statement that sums the incidents of the subquery `seen`, by `key` and by span between edges."""
    return text(f"""
        SELECT {key}, at.part, sum(at.begun) AS begun, sum(at.resolved) AS resolved,
               CAST(sum(at.resolved_us) AS bigint) AS resolved_us
        FROM ({seen}) AS seen
        CROSS JOIN LATERAL (VALUES
            (width_bucket(seen.start_time, :edges), 1, 0, 0),
            (CASE WHEN seen.resolution IN ({int(Resolution.RECOVERED)}, {int(Resolution.BY_HAND)})
                  THEN width_bucket(seen.end_time, :edges) END,
             0, 1, extract(epoch FROM seen.end_time - seen.start_time) * 1000000)
        ) AS at (part, begun, resolved, resolved_us)
        WHERE at.part BETWEEN 1 AND cardinality(:edges) - 1
        GROUP BY {key}, at.part
    """).bindparams(  # noqa: S608 — our own text
        bindparam("tenant", type_=Uuid), bindparam("edges", type_=ARRAY(_MOMENT)), bindparam("start", type_=_MOMENT)
    )


# Incidents of a check do not overlap, so of those that ended after the last edge only the first can begin before it.
_OF_CHECKS = _added(
    "seen.check_id",
    f"""
    SELECT w.check_id, {_SEEN}
    FROM unnest(:checks) AS w (check_id)
    CROSS JOIN LATERAL (
        (SELECT {_SEEN} {_OF_CHECK} AND i.end_time >= :start AND i.end_time < :end)
        UNION ALL
        (SELECT {_SEEN} {_OF_CHECK} AND i.end_time >= :end ORDER BY i.end_time, i.start_time LIMIT 1)
        UNION ALL
        (SELECT {_SEEN} {_OF_CHECK} AND i.end_time IS NULL)
    ) AS i
    """,  # noqa: S608 — our own text
).bindparams(bindparam("checks", type_=ARRAY(Uuid)), bindparam("end", type_=_MOMENT))
_OF_TENANT = _added(
    "1",
    f"""
    SELECT {_SEEN}
    FROM incidents i
    WHERE i.tenant_id = :tenant AND (i.end_time >= :start OR i.end_time IS NULL)
      AND EXISTS (SELECT FROM checks c WHERE c.tenant_id = i.tenant_id AND c.id = i.check_id)
    """,  # noqa: S608 — our own text
)


async def read_incident_sums(
    connection: AsyncConnection, tenant_id: UUID, check_ids: Sequence[UUID], edges: Sequence[int]
) -> Sequence[tuple[UUID, int, IncidentSums]]:
    """Return the sums of checks: the check, the number of the span between two edges, and its sums."""
    if not check_ids:
        return []
    given = {**_given(tenant_id, edges), "checks": list(check_ids), "end": to_datetime(edges[-1])}
    return [(row.check_id, row.part - 1, _sums(row)) for row in await connection.execute(_OF_CHECKS, given)]


async def read_incident_sums_of_tenant(
    connection: AsyncConnection, tenant_id: UUID, start_us: int, end_us: int
) -> IncidentSums:
    """Return the sum over all checks of a tenant in one span, which has to be recent."""
    rows = await connection.execute(_OF_TENANT, _given(tenant_id, [start_us, end_us]))
    return IncidentSums.sum(_sums(row) for row in rows)


def _given(tenant_id: UUID, edges: Sequence[int]) -> dict[str, Any]:
    moments = [to_datetime(edge) for edge in edges]
    return {"tenant": tenant_id, "edges": moments, "start": moments[0]}


def _sums(row: Row[Any]) -> IncidentSums:
    return IncidentSums(row.begun, row.resolved, row.resolved_us)
