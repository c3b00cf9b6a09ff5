"""Read the data of figures: closed hours and days, raw results, periods, suspensions and maintenance.

Requests run these statements under row-level security, limited to one tenant; the roll-up runs them for all tenants.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, Boolean, Integer, Row, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from services.checks.maintenance import LONGEST_SPAN_US
from services.checks.outcome import Outcome
from services.monitor.figures.closed_hours import CheckHistory, ClosedSpan
from services.monitor.figures.excluded_time import FOREVER, Span
from services.monitor.figures.latency import Latencies
from services.monitor.figures.needed import OpenSpans
from services.monitor.figures.uptime import Figures, Slot
from services.monitor.figures.uptime_fast_path import AllUpResults, is_gapless
from services.platform.clock import from_datetime, to_datetime
from services.platform.postgres.database import POSTGRES_EPOCH_US

_OUTCOMES = {int(outcome): outcome for outcome in Outcome}
_SUMS = ["life_us", "up_us", "down_us", "up_slots", "down_slots", "error_slots", "missed_slots", "slow_slots"]
FIGURES_COLUMNS = {
    "start_time": "timestamptz",
    **{name: "bigint" if name.endswith("_us") else "integer" for name in _SUMS},
    "latencies": "bytea",
    "p95_us": "integer",
}
"""The columns of `check_hours` and `check_days` after the key of the check, with their types; see `columns_of`."""
# In PostgreSQL's binary format.
_UP, _ONCE = struct.pack(">h", Outcome.UP), struct.pack(">i", 1)
_MOMENTS = ARRAY(TIMESTAMP(timezone=True))


def _array(name: str, of: Any) -> BindParameter[Any]:  # noqa: ANN401 — SQLAlchemy takes classes and instances of types
    return bindparam(name, type_=of)


_KEYS = (_array("tenants", ARRAY(Uuid)), _array("checks", ARRAY(Uuid)), _array("starts", _MOMENTS))
_SLOT = "r.slot_time, r.interval_us, r.outcome, r.slow, r.slot_count, r.total_us"
_OF_CHECK = "FROM results r WHERE r.tenant_id = w.tenant_id AND r.check_id = w.check_id"
# Selects the results in a span, and the last one before it from the newest partition that has one. A check's results
# are one row with packed columns, because one row per result costs several times as much. The outcome of a slow result
# is negated.
_SLOTS = text(f"""
    SELECT w.check_id, packed.*
    FROM unnest(:tenants, :checks, :starts, :ends) AS w (tenant_id, check_id, start_time, end_time)
    CROSS JOIN LATERAL (
        SELECT string_agg(timestamptz_send(s.slot_time), '') AS slot_times,
               string_agg(int8send(s.interval_us), '') AS intervals_us,
               string_agg(int2send(CASE WHEN s.slow THEN -s.outcome ELSE s.outcome END), '') AS outcomes,
               string_agg(int4send(s.slot_count), '') AS slot_counts,
               array_agg(s.total_us) AS totals_us
        FROM (
            (SELECT {_SLOT} {_OF_CHECK} AND r.slot_time < w.start_time ORDER BY r.slot_time DESC LIMIT 1)
            UNION ALL
            (SELECT {_SLOT} {_OF_CHECK} AND r.slot_time >= w.start_time AND r.slot_time < w.end_time)
            ORDER BY slot_time
        ) AS s
    ) AS packed
    WHERE packed.slot_times IS NOT NULL
""").bindparams(*_KEYS, _array("ends", _MOMENTS))  # noqa: S608 — our own text
_PERIODS = text("""
    SELECT p.check_id, p.start_time, p.end_time
    FROM unnest(:tenants, :checks, :starts) AS w (tenant_id, check_id, since)
    JOIN check_periods p ON p.tenant_id = w.tenant_id AND p.check_id = w.check_id
        AND (p.end_time IS NULL OR p.end_time > w.since)
    ORDER BY p.check_id, p.start_time
""").bindparams(*_KEYS)
# Spans without a service apply to all services of the tenant.
_OFF = text("""
    SELECT s.tenant_id, CAST(NULL AS uuid) AS service_id, s.start_time, s.end_time
    FROM tenant_suspensions s
    WHERE s.tenant_id = ANY(:tenants) AND (s.end_time IS NULL OR s.end_time > :since)
    UNION ALL
    SELECT s.tenant_id, s.service_id, s.start_time, s.end_time
    FROM maintenance_spans s
    WHERE s.tenant_id = ANY(:tenants) AND s.start_time > :first AND s.start_time < :until AND s.end_time > :since
""").bindparams(_KEYS[0], *(bindparam(name, type_=TIMESTAMP(timezone=True)) for name in ("first", "since", "until")))


# The database sums all columns but latencies: it concatenates those, and Latencies.gather adds them.
ADDED = ", ".join(f"CAST(sum(r.{name}) AS bigint) AS {name}" for name in _SUMS)
PACKED = """
    string_agg(substr(r.latencies, 1, length(r.latencies) / 3), CAST('' AS bytea)) AS buckets,
    string_agg(substr(r.latencies, 1 + length(r.latencies) / 3), CAST('' AS bytea)) AS counts
"""


_OF_SPAN = "r WHERE r.tenant_id = :tenant AND r.check_id = w.check_id AND r.start_time >= w.start_time"


def _closed(figures: str) -> TextClause:
    return text(f"""
        SELECT w.check_id, w.part, r.*
        FROM unnest(:checks, :parts, :starts, :ends, :by_day) AS w (check_id, part, start_time, end_time, by_day)
        CROSS JOIN LATERAL (
            SELECT {figures}
            FROM (
                SELECT * FROM check_days {_OF_SPAN} AND r.start_time < w.end_time AND w.by_day
                UNION ALL
                SELECT * FROM check_hours {_OF_SPAN} AND r.start_time < w.end_time AND NOT w.by_day
            ) AS r
        ) AS r
    """).bindparams(  # noqa: S608 — our own text
        bindparam("tenant", type_=Uuid),
        *_KEYS[1:],
        _array("parts", ARRAY(Integer)),
        _array("ends", _MOMENTS),
        _array("by_day", ARRAY(Boolean)),
    )


_CLOSED = _closed(f"{ADDED}, {PACKED}")
_CLOSED_WITHOUT_LATENCIES = _closed(f"{ADDED}, CAST('' AS bytea) AS buckets, CAST('' AS bytea) AS counts")


async def read_open_spans(
    connection: AsyncConnection, tails: Sequence[OpenSpans], into: Mapping[UUID, CheckHistory]
) -> None:
    """Read the raw results, the periods and the off time of checks.

    Args:
        connection: a connection in a transaction.
        tails: the raw results to read.
        into: the recorded data of each check, which is filled in.
    """
    if not tails:
        return
    keys: dict[str, Any] = {
        "tenants": [tail.tenant_id for tail in tails],
        "checks": [tail.check_id for tail in tails],
        "starts": [to_datetime(tail.start_us) for tail in tails],
    }
    spans = [(tail, start, end) for tail in tails for start, end in tail.spans]
    of_spans = {
        "tenants": [tail.tenant_id for tail, _, _ in spans],
        "checks": [tail.check_id for tail, _, _ in spans],
        "starts": [to_datetime(start) for _, start, _ in spans],
        "ends": [to_datetime(end) for _, _, end in spans],
    }
    for row in await connection.execute(_SLOTS, of_spans):
        recorded, slots = into[row.check_id], _slots_of(row)
        # The last result before a span may be in the previous span.
        recorded.slots = sorted({*recorded.slots, *slots}) if recorded.slots else slots
    for check_id, start, end in await connection.execute(_PERIODS, keys):
        into[check_id].periods.append((from_datetime(start), None if end is None else from_datetime(end)))
    off = await _off(connection, tails)
    for tail in tails:
        recorded = into[tail.check_id]
        recorded.off.extend(off.get((tail.tenant_id, None), ()))
        recorded.off.extend(off.get((tail.tenant_id, tail.service_id), ()))


def _slots_of(row: Row[Any]) -> Sequence[Slot] | AllUpResults:
    """Return the results in a row of `_SLOTS`, whose columns are the concatenated binary values."""
    intervals, outcomes, counts = row.intervals_us, row.outcomes, row.slot_counts
    size = len(outcomes) // len(_UP)
    slots_us = [time_us + POSTGRES_EPOCH_US for time_us in struct.unpack(f">{size}q", row.slot_times)]
    if outcomes == _UP * size and counts == _ONCE * size and intervals == intervals[:8] * size:
        interval_us = int.from_bytes(intervals[:8])
        if is_gapless(slots_us, interval_us):
            return AllUpResults(slots_us, interval_us, row.totals_us)
    codes = struct.unpack(f">{size}h", outcomes)
    columns = {
        "slot_us": slots_us,
        "interval_us": struct.unpack(f">{size}q", intervals),
        "outcome": [_OUTCOMES[abs(code)] for code in codes],
        "slot_count": struct.unpack(f">{size}i", counts),
        "total_us": row.totals_us,
        "slow": [code < 0 for code in codes],
    }
    # Slots are built by position, which takes half as long as by name; the order of columns comes from Slot.
    return [Slot._make(slot) for slot in zip(*(columns[name] for name in Slot._fields), strict=True)]


async def _off(
    connection: AsyncConnection, tails: Sequence[OpenSpans]
) -> Mapping[tuple[UUID, UUID | None], Sequence[Span]]:
    """Return when tenants were suspended or services in maintenance, by tenant and service; None for all services."""
    off: dict[tuple[UUID, UUID | None], list[Span]] = {}
    since_us = min(tail.start_us for tail in tails)
    bounds = {
        "tenants": list({tail.tenant_id for tail in tails}),
        "first": to_datetime(since_us - LONGEST_SPAN_US),
        "since": to_datetime(since_us),
        "until": to_datetime(max(tail.end_us for tail in tails)),
    }
    for tenant_id, service_id, start, end in await connection.execute(_OFF, bounds):
        span = (from_datetime(start), FOREVER if end is None else from_datetime(end))
        off.setdefault((tenant_id, service_id), []).append(span)
    return off


async def read_closed(
    connection: AsyncConnection,
    tenant_id: UUID,
    days: Sequence[ClosedSpan],
    hours: Sequence[ClosedSpan],
    *,
    latencies: bool,
) -> list[tuple[UUID, int, Figures]]:
    """Return the figures of closed days and hours of a tenant's checks, each with its check and part.

    Args:
        connection: a connection in a transaction.
        tenant_id: the tenant of the checks.
        days: the spans of closed days to read.
        hours: the spans of closed hours to read.
        latencies: whether to read latencies, too.
    """
    spans = [*days, *hours]
    if not spans:
        return []
    rows = await connection.execute(
        _CLOSED if latencies else _CLOSED_WITHOUT_LATENCIES,
        {
            "tenant": tenant_id,
            "checks": [span.check_id for span in spans],
            "parts": [span.part for span in spans],
            "starts": [to_datetime(span.start_us) for span in spans],
            "ends": [to_datetime(span.end_us) for span in spans],
            "by_day": [True] * len(days) + [False] * len(hours),
        },
    )
    return [
        (row.check_id, row.part, figures_of_sums(row, Latencies.gather(row.buckets, row.counts)))
        for row in rows
        if row.life_us is not None
    ]


def figures_of(columns: Mapping[str, Any]) -> Figures:
    """Return the figures in columns by name; the caller sets the span."""
    latencies = Latencies.unpack(columns["latencies"])
    return Figures(start_us=0, end_us=0, **{name: columns[name] for name in _SUMS}, latencies=latencies)


def figures_of_sums(row: Row[Any], latencies: Latencies) -> Figures:
    """Return the figures in a row with the columns of ADDED; the caller sets the span."""
    return Figures(start_us=0, end_us=0, **{name: getattr(row, name) for name in _SUMS}, latencies=latencies)


def columns_of(figures: Figures) -> tuple[Any, ...]:
    """Return the values of FIGURES_COLUMNS, in order."""
    latencies = figures.latencies
    sums = (getattr(figures, name) for name in _SUMS)
    return to_datetime(figures.start_us), *sums, latencies.pack(), latencies.percentile(0.95)
