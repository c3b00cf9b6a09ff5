"""Conversion between the database's rows and the worker's objects; the SQL is in store/.

Times are microseconds on both sides; the worker's pools are configured so.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson

from services.checks.check_settings import SETTING_COLUMNS, CheckSettings, settings_in_row
from services.checks.outcome import Outcome
from services.checks.result import Result, from_row
from services.checks.specs.column import CHECK_SPECS, decrypted, masked
from services.checks.specs.secrets import HIDDEN
from services.checks.specs.spec import Spec
from services.checks.state import CheckState, Track
from services.platform import logs
from services.platform.security.secret_box import DecryptionError, SecretBox
from services.worker.check_progress import CheckProgress
from services.worker.kinds.undecryptable import UndecryptableSpec
from services.worker.report import RecordedWorker, TenantWorker, WorkerReport
from services.worker.schedule import Period, ScheduledCheck, Watermark
from services.worker.streams.position import FIRST_ID, Position

_T = TypeVar("_T")
_log = logs.get("rows")
# In total: with a wrong key all may fail.
_MOST_LOGGED = 10
_setting_values = itemgetter(*SETTING_COLUMNS)


def state_columns(moved: Mapping[UUID, CheckProgress]) -> list[list[Any]]:
    """Return the arguments of an update of states: one array per column."""
    tracks = [progress.track for progress in moved.values()]
    return [
        [progress.tenant_id for progress in moved.values()],
        list(moved),
        [track.state for track in tracks],
        [track.state_us for track in tracks],
        [track.streak for track in tracks],
        [track.streak_outcome or 0 for track in tracks],
        [track.streak_us for track in tracks],
        [track.verdict_us for track in tracks],
        [progress.accounted_us for progress in moved.values()],
    ]


def report_columns(report: WorkerReport) -> list[Any]:
    """Return the columns of a worker's report, in the order of the statement."""
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


def to_worker(row: "asyncpg.Record") -> RecordedWorker:
    """Return a worker from a row of workers with its shards and whether it is live."""
    return RecordedWorker(
        id=row["id"],
        instance_id=row["instance_id"],
        host=row["host"],
        version=row["version"],
        start_us=row["start_time"],
        renew_us=row["renew_time"],
        live=row["live"],
        shards_held=row["shards_held"],
        checks_held=row["checks_held"],
        runs_in_flight=row["runs_in_flight"],
        runs_waiting=row["runs_waiting"],
        lag_p50_us=row["lag_p50_us"],
        lag_p99_us=row["lag_p99_us"],
        runs_per_second=row["runs_per_second"],
    )


def to_tenant_worker(row: "asyncpg.Record") -> TenantWorker:
    """Return a worker for a tenant, from a row with the number of the tenant's checks that it runs."""
    return TenantWorker(
        id=row["id"],
        instance_id=row["instance_id"],
        start_us=row["start_time"],
        renew_us=row["renew_time"],
        live=row["live"],
        checks_held=row["checks_held"],
    )


def to_progress(row: "asyncpg.Record") -> CheckProgress:
    """Return the progress of a check from a row of check_states with its period and lease."""
    track = Track(
        state=CheckState(row["state"]),
        state_us=row["state_time"],
        streak=row["streak"],
        streak_outcome=Outcome(row["streak_outcome"]) if row["streak_outcome"] else None,
        streak_us=row["streak_time"],
        verdict_us=row["verdict_time"],
    )
    return CheckProgress(
        tenant_id=row["tenant_id"],
        track=track,
        accounted_us=row["accounted_time"],
        epoch=row["epoch"],
        since_us=row["since_time"],
        interval_us=row["interval_us"],
    )


def add_periods(progress_by_check: Mapping[UUID, CheckProgress], rows: "Sequence[asyncpg.Record]") -> None:
    """Add ended periods to the progress of checks."""
    for row in rows:
        if row["end_time"] is not None:
            period = Period(row["start_time"], row["end_time"], row["interval_us"])
            progress = progress_by_check[row["check_id"]]
            progress.former = (*progress.former, period)


class CheckReader:
    """Creates checks from rows; equal values (tenants, services, hosts, settings) are shared in memory.

    Args:
        box: decrypts secrets of checks.
    """

    def __init__(self, box: SecretBox) -> None:
        self._box = box
        self._shared: dict[Any, Any] = {}
        self._unread = 0

    def __call__(self, row: "asyncpg.Record") -> tuple[ScheduledCheck, Watermark]:
        """Return a check that is on, and its account."""
        former = tuple(Period(each[0], each[1], each[2]) for each in row["former"] or ())
        off = tuple((each[0], each[1]) for each in row["off"] or ())
        account = Watermark(row["accounted_time"], former, off)
        return self.check(row, row["since_time"]), account

    def check(self, row: "asyncpg.Record", since_us: int = 0) -> ScheduledCheck:
        """Return a check from a row of checks.

        Args:
            row: the row.
            since_us: since when it is on; 0 if that does not matter.
        """
        share = self._share
        text = row["spec_message"]
        # Hundreds of thousands are read when a worker starts, and few have secrets.
        spec = self._opened(row) if HIDDEN in text else CHECK_SPECS.from_json(row["kind"], orjson.loads(text))
        return ScheduledCheck(
            tenant_id=share(row["tenant_id"]),
            service_id=share(row["service_id"]),
            id=row["id"],
            shard=row["shard"],
            spec=spec.bound_to(row["tenant_id"], row["id"]),
            target=share(spec.target),
            settings=self._settings_of(row),
            since_us=since_us,
        )

    def _settings_of(self, row: "asyncpg.Record") -> CheckSettings:
        values = _setting_values(row)
        kept: CheckSettings | None = self._shared.get(values)
        if kept is None:
            kept = self._shared[values] = settings_in_row(row)
        return kept

    def _opened(self, row: "asyncpg.Record") -> Spec:
        """Return the spec of a check with secrets; where they cannot be decrypted, one that reports it in each run."""
        kind, column = row["kind"], orjson.loads(row["spec_message"])
        try:
            return decrypted(kind, column, row["tenant_id"], row["id"], self._box)
        except DecryptionError as error:
            self._unread += 1
            if self._unread <= _MOST_LOGGED:
                _log.error("check cannot be run", check_id=str(row["id"]), why=str(error))
            return UndecryptableSpec(masked(kind, column).target, str(error))

    def _share(self, value: _T) -> _T:
        kept: _T = self._shared.setdefault(value, value)
        return kept


def to_recorded(row: "asyncpg.Record") -> tuple[Position, Result]:
    """Return a result and its position, from a row with the present cluster."""
    return Position(row["recorded_xid"], row["slot_time"], row["check_id"], row["cluster"]), from_row(row, int)


def to_frontier(row: "asyncpg.Record") -> Position:
    """Return the position after everything whose order is settled, from a row of recording_frontier()."""
    return Position(row["frontier"], 0, FIRST_ID, row["cluster"])
