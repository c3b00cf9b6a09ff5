"""Between the database's rows and what the worker works with; no SQL here, that is store.py's."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.common.clock import from_datetime, to_datetime
from services.common.outcome import Outcome
from services.common.result import Result
from services.common.spec import HttpSpec
from services.common.state import CheckState, Track
from services.worker.report import SeenWorker, WorkerReport
from services.worker.schedule import Account, ScheduledCheck

# The columns of a result and their types, in the order in which result_columns gives them.
RESULT_TYPES = {
    "tenant_id": "uuid",
    "check_id": "uuid",
    "slot_time": "timestamptz",
    "service_id": "uuid",
    "start_time": "timestamptz",
    "interval_us": "bigint",
    "outcome": "smallint",
    "error_kind": "smallint",
    "missed_reason": "smallint",
    "slot_count": "integer",
    "status_code": "smallint",
    "dns_us": "integer",
    "connect_us": "integer",
    "tls_us": "integer",
    "ttfb_us": "integer",
    "transfer_us": "integer",
    "total_us": "integer",
    "body_bytes": "integer",
    "redirects": "smallint",
    "attempt": "smallint",
    "tls_not_after": "timestamptz",
    "resolved_ip": "text",
    "http_version": "text",
    "error_message": "text",
    "worker_id": "text",
}


def result_columns(rows: Sequence[Result]) -> list[list[Any]]:
    """The arguments of an insert: one array a column, in the order of RESULT_TYPES."""
    return [
        [row.tenant_id for row in rows],
        [row.check_id for row in rows],
        [to_datetime(row.slot_us) for row in rows],
        [row.service_id for row in rows],
        [_moment(row.start_us) for row in rows],
        [row.interval_us for row in rows],
        [row.outcome for row in rows],
        [row.error_kind for row in rows],
        [row.missed_reason for row in rows],
        [row.slot_count for row in rows],
        [row.status_code for row in rows],
        [row.dns_us for row in rows],
        [row.connect_us for row in rows],
        [row.tls_us for row in rows],
        [row.ttfb_us for row in rows],
        [row.transfer_us for row in rows],
        [row.total_us for row in rows],
        [row.body_bytes for row in rows],
        [row.redirects for row in rows],
        [row.attempt for row in rows],
        [_moment(row.tls_not_after_us) for row in rows],
        [row.resolved_ip for row in rows],
        [row.http_version for row in rows],
        [row.error_message for row in rows],
        [row.worker_id for row in rows],
    ]


def state_columns(
    moved: Mapping[UUID, UUID], tracks: Mapping[UUID, Track], accounted: Mapping[UUID, int]
) -> list[list[Any]]:
    """The arguments of an update of states: one array a column, for the checks that have moved (check → tenant)."""
    after = [tracks[check_id] for check_id in moved]
    return [
        list(moved.values()),
        list(moved),
        [track.state for track in after],
        [_moment(track.state_us) for track in after],
        [track.streak for track in after],
        [track.streak_outcome or 0 for track in after],
        [_moment(track.streak_us) for track in after],
        [_moment(track.verdict_us) for track in after],
        [to_datetime(accounted[check_id]) for check_id in moved],
    ]


def report_columns(report: WorkerReport) -> list[Any]:
    """What a worker says of itself, in the order in which store.py writes it."""
    return [
        report.instance_id,
        report.host,
        report.version,
        report.up_s,
        report.checks_held,
        report.runs_in_flight,
        report.runs_waiting,
        report.lag_p50_us,
        report.lag_p99_us,
        report.runs_per_second,
    ]


def to_worker(row: "asyncpg.Record") -> SeenWorker:
    """A worker, from a row of workers with its shards and whether it is live."""
    return SeenWorker(
        id=row["id"],
        instance_id=row["instance_id"],
        host=row["host"],
        version=row["version"],
        start_us=from_datetime(row["start_time"]),
        renew_us=from_datetime(row["renew_time"]),
        live=row["live"],
        shards_held=row["shards_held"],
        checks_held=row["checks_held"],
        runs_in_flight=row["runs_in_flight"],
        runs_waiting=row["runs_waiting"],
        lag_p50_us=row["lag_p50_us"],
        lag_p99_us=row["lag_p99_us"],
        runs_per_second=row["runs_per_second"],
    )


def _moment(time_us: int | None) -> datetime | None:
    return None if time_us is None else to_datetime(time_us)


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else from_datetime(moment)


def to_track(row: "asyncpg.Record") -> Track:
    """What a check's results amount to, from a row of check_states."""
    return Track(
        CheckState(row["state"]),
        _us(row["state_time"]),
        row["streak"],
        Outcome(row["streak_outcome"]) if row["streak_outcome"] else None,
        _us(row["streak_time"]),
        _us(row["verdict_time"]),
    )


def to_check_with_account(row: asyncpg.Record) -> tuple[ScheduledCheck, Account]:
    """A check, and up to where its slots are accounted for."""
    off = tuple(
        (from_datetime(start), from_datetime(end)) for start, end in zip(row["off_from"], row["off_until"], strict=True)
    )
    return to_check(row), Account(from_datetime(row["accounted_time"]), off)


def to_check(row: "asyncpg.Record") -> ScheduledCheck:
    """A check, from a row of checks."""
    return ScheduledCheck(
        tenant_id=row["tenant_id"],
        service_id=row["service_id"],
        id=row["id"],
        shard=row["shard"],
        spec=HttpSpec.from_json(json.loads(row["spec"])),
        interval_us=row["interval_us"],
        timeout_us=row["timeout_us"],
        failure_threshold=row["failure_threshold"],
        recovery_threshold=row["recovery_threshold"],
        retries=row["retries"],
    )
