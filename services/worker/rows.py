"""Between the database's rows and what the worker works with; no SQL here, that is store.py's."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from services.common.clock import from_datetime, to_datetime
from services.common.outcome import Outcome
from services.common.result import Result
from services.common.spec import HttpSpec
from services.common.state import CheckState, Track
from services.worker.schedule import Account, Period, ScheduledCheck
from services.worker.tally import Tally

_T = TypeVar("_T")

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


def state_columns(moved: Mapping[UUID, Tally]) -> list[list[Any]]:
    """The arguments of an update of states: one array a column, for the checks that have moved."""
    tracks = [tally.track for tally in moved.values()]
    return [
        [tally.tenant_id for tally in moved.values()],
        list(moved),
        [track.state for track in tracks],
        [_moment(track.state_us) for track in tracks],
        [track.streak for track in tracks],
        [track.streak_outcome or 0 for track in tracks],
        [_moment(track.streak_us) for track in tracks],
        [_moment(track.verdict_us) for track in tracks],
        [to_datetime(tally.accounted_us) for tally in moved.values()],
    ]


def _moment(time_us: int | None) -> datetime | None:
    return None if time_us is None else to_datetime(time_us)


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else from_datetime(moment)


def to_tally(row: "asyncpg.Record") -> Tally:
    """What a check's results amount to, from a row of check_states with its period and lease."""
    track = Track(
        CheckState(row["state"]),
        _us(row["state_time"]),
        row["streak"],
        Outcome(row["streak_outcome"]) if row["streak_outcome"] else None,
        _us(row["streak_time"]),
        _us(row["verdict_time"]),
    )
    return Tally(
        row["tenant_id"],
        track,
        from_datetime(row["accounted_time"]),
        row["epoch"],
        _us(row["since_time"]),
        row["interval_us"],
    )


def add_periods(tallies: Mapping[UUID, Tally], rows: "Sequence[asyncpg.Record]") -> None:
    """Add to the tallies the periods that have ended."""
    for row in rows:
        if row["end_time"] is not None:
            period = Period(from_datetime(row["start_time"]), from_datetime(row["end_time"]), row["interval_us"])
            tally = tallies[row["check_id"]]
            tally.former = (*tally.former, period)


class CheckReader:
    """Makes checks of rows; what many have in common (tenants, services, hosts, figures) is held once."""

    def __init__(self) -> None:
        self._shared: dict[Any, Any] = {}

    def __call__(self, row: "asyncpg.Record") -> tuple[ScheduledCheck, Account]:
        """A check that is on, and up to where its slots are accounted for."""
        former = tuple(Period(from_datetime(each[0]), from_datetime(each[1]), each[2]) for each in row["former"] or ())
        off = tuple((from_datetime(each[0]), from_datetime(each[1])) for each in row["off"] or ())
        account = Account(from_datetime(row["accounted_time"]), former, off)
        return self.check(row, from_datetime(row["since_time"])), account

    def check(self, row: "asyncpg.Record", since_us: int = 0) -> ScheduledCheck:
        """A check, from a row of checks.

        Args:
            row: the row.
            since_us: since when it is on; 0 where that does not matter.
        """
        share = self._share
        spec = HttpSpec.from_json(json.loads(row["spec"]))
        return ScheduledCheck(
            tenant_id=share(row["tenant_id"]),
            service_id=share(row["service_id"]),
            id=row["id"],
            shard=row["shard"],
            spec=spec,
            target=share(urlsplit(spec.url).netloc.lower()),
            interval_us=share(row["interval_us"]),
            timeout_us=share(row["timeout_us"]),
            failure_threshold=row["failure_threshold"],
            recovery_threshold=row["recovery_threshold"],
            retries=row["retries"],
            since_us=since_us,
        )

    def _share(self, value: _T) -> _T:
        kept: _T = self._shared.setdefault(value, value)
        return kept
