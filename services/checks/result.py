"""The result of a slot (semantics.md §8), with its conversions to the database's row and the contract's message.

`Result` is the only list of its columns: tables, inserts, selects and messages are derived from it. The columns of an
incident for its first failing slot are derived from `RunDetails`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from sentinel.monitor.v1 import result_pb2 as pb

from services.checks import assertion_outcome, failed_attempt
from services.checks.assertion_outcome import AssertionOutcome
from services.checks.failed_attempt import FailedAttempt
from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.stored import SqlType, Stored, compiled, stored_attributes
from services.platform.clock import from_datetime, to_duration, to_timestamp

_Record = TypeVar("_Record", bound="RunDetails")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetails:
    """The error and the duration of a run that was not UP, as an incident stores them of its first failing slot.

    Phases are those of the last hop, in microseconds, and None if not reached; total_us covers all hops and attempts.

    Attributes:
        failed_assertions: the assertions that failed.
    """

    error_kind: Annotated[ErrorKind | None, Stored(sql="smallint", is_nullable=True, read=ErrorKind)] = None
    error_message: Annotated[str, Stored(sql="text")] = ""
    status_code: Annotated[int | None, Stored(sql="smallint", is_nullable=True)] = None
    dns_us: Annotated[int | None, Stored(sql="integer", is_nullable=True, field="phases.dns")] = None
    connect_us: Annotated[int | None, Stored(sql="integer", is_nullable=True, field="phases.connect")] = None
    tls_us: Annotated[int | None, Stored(sql="integer", is_nullable=True, field="phases.tls")] = None
    ttfb_us: Annotated[int | None, Stored(sql="integer", is_nullable=True, field="phases.ttfb")] = None
    transfer_us: Annotated[int | None, Stored(sql="integer", is_nullable=True, field="phases.transfer")] = None
    total_us: Annotated[int | None, Stored(sql="integer", is_nullable=True, field="total")] = None
    failed_assertions: Annotated[
        tuple[AssertionOutcome, ...],
        Stored(
            sql="text",
            is_nullable=True,
            read=assertion_outcome.from_column,
            write=lambda result: assertion_outcome.to_column(result.failed_assertions),
            show=lambda failed: [assertion_outcome.to_message(each) for each in failed],
        ),
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(RunDetails):
    """The result of one slot of a check, or of several MISSED slots in a row.

    Attributes:
        slot_us: when the slot was due.
        start_us: when the run began; None for MISSED.
        interval_us: the check's interval at that time.
        slot_count: the number of slots, from slot_us on.
        tls_warning: what browsers would reject about an accepted certificate; None for nothing.
        slow: whether it is UP and exceeded a limit that only flags it.
        failed_attempts: the failed attempts before the last one.
        skipped_attempts: how many further attempts did not fit into the timeout.
    """

    tenant_id: Annotated[UUID, Stored(sql="uuid", is_key=True, is_shown=False)]
    service_id: Annotated[UUID, Stored(sql="uuid", show=str)]
    check_id: Annotated[UUID, Stored(sql="uuid", is_key=True, show=str)]
    slot_us: Annotated[int, Stored(sql="timestamptz", is_key=True, column="slot_time", field="slot_time")]
    interval_us: Annotated[int, Stored(sql="bigint", is_shown=False)]
    outcome: Annotated[Outcome, Stored(sql="smallint", read=Outcome)]
    worker_id: Annotated[str, Stored(sql="text")]
    start_us: Annotated[
        int | None, Stored(sql="timestamptz", is_nullable=True, column="start_time", field="start_time")
    ] = None
    missed_reason: Annotated[MissedReason | None, Stored(sql="smallint", is_nullable=True, read=MissedReason)] = None
    slot_count: Annotated[int, Stored(sql="integer")] = 1
    body_bytes: Annotated[int | None, Stored(sql="integer", is_nullable=True)] = None
    redirects: Annotated[int, Stored(sql="smallint")] = 0
    attempt: Annotated[int, Stored(sql="smallint")] = 0
    tls_not_after_us: Annotated[
        int | None, Stored(sql="timestamptz", is_nullable=True, column="tls_not_after", field="tls_expire_time")
    ] = None
    resolved_ip: Annotated[str | None, Stored(sql="inet", is_nullable=True, read=str)] = None
    http_version: Annotated[str | None, Stored(sql="text", is_nullable=True)] = None
    tls_version: Annotated[str | None, Stored(sql="text", is_nullable=True)] = None
    tls_warning: Annotated[str | None, Stored(sql="text", is_nullable=True)] = None
    slow: Annotated[bool, Stored(sql="boolean")] = False
    failed_attempts: Annotated[
        tuple[FailedAttempt, ...],
        Stored(
            sql="text",
            is_nullable=True,
            column="attempts",
            read=lambda column: failed_attempt.from_column(column)[0],
            write=lambda result: failed_attempt.to_column(result.failed_attempts, result.skipped_attempts),
            show=lambda failed: [failed_attempt.to_message(each) for each in failed],
        ),
    ] = ()
    skipped_attempts: Annotated[
        int,
        Stored(
            sql="text",
            is_nullable=True,
            column="attempts",
            writes_column=False,
            read=lambda column: failed_attempt.from_column(column)[1],
        ),
    ] = 0


class ResultColumn(NamedTuple):
    """A column of `results` and `on_demand_results`."""

    name: str
    sql: SqlType
    is_key: bool
    is_nullable: bool


class ResultRow(Protocol):
    """A row by column names, of any driver."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401 — a column's value
        """Return the value of a column."""


_STORED = dict(stored_attributes(Result))
RESULT_COLUMNS = tuple(
    ResultColumn(name=how.column or name, sql=how.sql, is_key=how.is_key, is_nullable=how.is_nullable)
    for name, how in _STORED.items()
    if how.writes_column
)
RUN_DETAILS_COLUMNS = tuple(
    each for each in RESULT_COLUMNS if each.name in {how.column or name for name, how in stored_attributes(RunDetails)}
)
"""Those of them that `incidents` has too."""


def _compiled_columns() -> Callable[[Sequence[Result]], list[list[Any]]]:
    values = (
        f"[{f'write_{name}(row)' if how.write else f'row.{name}'} for row in rows]"
        for name, how in _STORED.items()
        if how.writes_column
    )
    names = {f"write_{name}": how.write for name, how in _STORED.items()}
    return compiled("rows", f"[{', '.join(values)}]", names)


def _compiled_from_row(record: type[_Record]) -> Callable[[ResultRow, Callable[[Any], int]], _Record]:
    values: list[str] = []
    names: dict[str, object] = {"Record": record}
    defaults = {each.name: each.default for each in fields(record)}
    for name, how in stored_attributes(record):
        value, read = f"row['{how.column or name}']", "moment" if how.sql == "timestamptz" else ""
        if how.read:
            read = f"read_{name}"
            names[read] = how.read
        if read and how.is_nullable:
            names[f"default_{name}"] = defaults[name]
            value = f"default_{name} if (column := {value}) is None else {read}(column)"
        elif read:
            value = f"{read}({value})"
        values.append(f"{name}=({value})")
    return compiled("row, moment", f"Record({', '.join(values)})", names)


def _compiled_to_message() -> tuple[Callable[[Result], pb.CheckResult], Callable[[RunDetails], pb.Phases]]:
    """Return the functions that convert a result to a message, and its details to the phases of that message."""
    names: dict[str, object] = {"CheckResult": pb.CheckResult, "Phases": pb.Phases}
    arguments: dict[str, list[str]] = {"": [], "phases": []}
    described: dict[str, Any] = {"": pb.CheckResult.DESCRIPTOR, "phases": pb.Phases.DESCRIPTOR}
    for name, how in _STORED.items():
        if not how.is_shown:
            continue
        parent, _, field = (how.field or name).rpartition(".")
        kind = described[parent].fields_by_name[field].message_type
        show = how.show or (_BY_TYPE.get(kind.name) if kind else None)
        if show:
            names[f"show_{name}"] = show
        arguments[parent].append(f"{field}={f'show_{name}(result.{name})' if show else f'result.{name}'}")
    phases = f"Phases({', '.join(arguments['phases'])})"
    message = f"CheckResult({', '.join(arguments[''])}, phases={phases})"
    return compiled("result", message, names), compiled("result", phases, names)


_BY_TYPE: dict[str, Callable[[Any], Any]] = {"Timestamp": to_timestamp, "Duration": to_duration}
_columns, _from_row, _details_from_row = _compiled_columns(), _compiled_from_row(Result), _compiled_from_row(RunDetails)
_to_message, _phases_message = _compiled_to_message()


def result_columns(rows: Sequence[Result]) -> list[list[Any]]:
    """Return the arguments of an insert: one array per column, in the order of RESULT_COLUMNS."""
    return _columns(rows)


def from_row(row: ResultRow, moment: Callable[[Any], int] = from_datetime) -> Result:
    """Return a result from a row of `results` or `on_demand_results`.

    Args:
        row: the row.
        moment: converts a time of the driver to microseconds.
    """
    return _from_row(row, moment)


def to_message(result: Result) -> pb.CheckResult:
    """Return a result as a message."""
    return _to_message(result)


def details_from_row(row: ResultRow) -> RunDetails:
    """Return the details of a run from a row with RUN_DETAILS_COLUMNS."""
    return _details_from_row(row, from_datetime)


def phases_message(details: RunDetails) -> pb.Phases:
    """Return the phases of a run as a message."""
    return _phases_message(details)
