"""SQL that opens and resolves incidents, in the transaction that records the results."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import TypeAlias

import asyncpg

from services.checks.incident import IncidentEventKind, Resolution
from services.checks.result import RUN_DETAILS_COLUMNS
from services.platform.ids import new_id
from services.shared_sql.last_failure import last_failure
from services.worker.incident_transitions import IncidentTransition

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
# The columns of the first failing slot.
_COPIED = [each.name for each in RUN_DETAILS_COLUMNS]

# If an incident of the check ended after the run began, it was resolved by hand; the next one begins where it ended, so
# that the two do not overlap. A check that was paused meanwhile gets none: pausing locks its state, which this
# transaction holds, so what is read here is valid until the commit.
_OPEN = f"""
    WITH opened AS (
        INSERT INTO incidents (tenant_id, id, service_id, check_id, service_name, check_name, start_time, detect_time,
                               {", ".join(_COPIED)})
        SELECT w.tenant_id, w.id, c.service_id, w.check_id, s.name, c.name, greatest(w.run_time, before.end_time),
               greatest(w.slot_time, before.end_time), {", ".join(f"r.{column}" for column in _COPIED)}
        FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[])
            AS w (tenant_id, check_id, run_time, slot_time, id)
        JOIN checks c ON c.tenant_id = w.tenant_id AND c.id = w.check_id
        JOIN services s ON s.tenant_id = c.tenant_id AND s.id = c.service_id
        JOIN check_periods o ON o.tenant_id = w.tenant_id AND o.check_id = w.check_id AND o.end_time IS NULL
        LEFT JOIN LATERAL (
            SELECT * FROM results r
            WHERE r.tenant_id = w.tenant_id AND r.check_id = w.check_id AND r.slot_time = w.run_time LIMIT 1
        ) AS r ON true
        CROSS JOIN LATERAL (
            SELECT max(i.end_time) AS end_time FROM incidents i
            WHERE i.tenant_id = w.tenant_id AND i.check_id = w.check_id
        ) AS before
        ON CONFLICT (tenant_id, check_id) WHERE end_time IS NULL DO NOTHING
        RETURNING tenant_id, id
    )
    INSERT INTO incident_events (tenant_id, incident_id, id, create_time, kind)
    SELECT opened.tenant_id, opened.id, e.id, now(), {int(IncidentEventKind.OPENED)}
    FROM opened JOIN unnest($5::uuid[], $6::uuid[]) AS e (incident_id, id) ON e.incident_id = opened.id
"""  # noqa: S608 — our own text
_RESOLVE = f"""
    WITH resolved AS (
        UPDATE incidents i
        SET end_time = greatest(i.start_time, w.run_time), resolution = {int(Resolution.RECOVERED)},
            (last_error_kind, last_error_message, last_status_code) = ({last_failure("w.run_time")})
        FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[]) AS w (tenant_id, check_id, run_time, id)
        WHERE i.tenant_id = w.tenant_id AND i.check_id = w.check_id AND i.end_time IS NULL
        RETURNING i.tenant_id, i.id, w.id AS event_id
    )
    INSERT INTO incident_events (tenant_id, incident_id, id, create_time, kind)
    SELECT tenant_id, id, event_id, now(), {int(IncidentEventKind.RESOLVED)} FROM resolved
"""  # noqa: S608 — our own text


async def apply_transitions(
    connection: _Connection, transitions_of_checks: Sequence[Sequence[IncidentTransition]]
) -> None:
    """Open and resolve incidents.

    Args:
        connection: the transaction that has written the results and holds the states of their checks.
        transitions_of_checks: for each check its turns, in order. Usually there is one; a batch that waited may have
            more.
    """
    for each in zip_longest(*transitions_of_checks):
        turns = [transition for transition in each if transition is not None]
        opening = [transition for transition in turns if transition.opens]
        resolving = [transition for transition in turns if not transition.opens]
        if opening:
            await connection.execute(
                _OPEN,
                [transition.tenant_id for transition in opening],
                [transition.check_id for transition in opening],
                [transition.run_us for transition in opening],
                [transition.slot_us for transition in opening],
                [new_id() for _ in opening],
                [new_id() for _ in opening],
            )
        if resolving:
            await connection.execute(
                _RESOLVE,
                [transition.tenant_id for transition in resolving],
                [transition.check_id for transition in resolving],
                [transition.run_us for transition in resolving],
                [new_id() for _ in resolving],
            )
