"""Tables of services, checks and their history, for SQLAlchemy Core.

The migrations create them; a test compares the two.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import INET, JSONB, TIMESTAMP, UUID
from sqlalchemy.types import TypeEngine

from services.checks.check_settings import SETTING_COLUMNS
from services.checks.result import RESULT_COLUMNS, RUN_DETAILS_COLUMNS
from services.checks.stored import SqlType
from services.platform.postgres.tables import metadata, moment

_TYPES: dict[SqlType, TypeEngine[Any]] = {
    "bigint": BigInteger(),
    "boolean": Boolean(),
    "inet": INET(),
    "integer": Integer(),
    "smallint": SmallInteger(),
    "text": Text(),
    "timestamptz": TIMESTAMP(timezone=True),
    "uuid": UUID(),
}


def _column(name: str, sql: SqlType, *, key: bool = False, nullable: bool = False) -> "Column[Any]":
    return Column(name, _TYPES[sql], primary_key=key, nullable=nullable)


services = Table(
    "services",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("request_id", UUID),
    moment("create_time"),
    moment("update_time"),
)

checks = Table(
    "checks",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("service_id", UUID, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("spec_message", JSONB),
    *(_column(name, sql) for name, sql in SETTING_COLUMNS.items()),
    Column("request_id", UUID),
    moment("create_time"),
    moment("update_time"),
)

check_periods = Table(
    "check_periods",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    Column("start_time", TIMESTAMP(timezone=True), primary_key=True),
    moment("end_time", nullable=True),
    Column("interval_us", BigInteger, nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False),
    moment("last_signal_time", nullable=True),
    moment("last_success_time", nullable=True),
    Column("last_exit_code", BigInteger),
    Column("signals", BigInteger, nullable=False),
    moment("last_failure_time", nullable=True),
    Column("last_failure_code", BigInteger),
)

heartbeat_reception = Table(
    "heartbeat_reception",
    metadata,
    Column("id", Boolean, primary_key=True),
    moment("last_time"),
    moment("outage_start_time", nullable=True),
    moment("outage_end_time", nullable=True),
)

removed_checks = Table(
    "removed_checks",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    moment("remove_time"),
)

maintenance_windows = Table(
    "maintenance_windows",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("service_id", UUID),
    Column("name", Text, nullable=False),
    moment("start_time"),
    Column("duration_us", BigInteger, nullable=False),
    Column("rrule", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("request_id", UUID),
    moment("create_time"),
    moment("update_time"),
    moment("planned_time"),
)

maintenance_spans = Table(
    "maintenance_spans",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("window_id", UUID, primary_key=True),
    Column("start_time", TIMESTAMP(timezone=True), primary_key=True),
    moment("end_time"),
    Column("service_id", UUID),
)

check_states = Table(
    "check_states",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    Column("state", SmallInteger, nullable=False),
    moment("state_time", nullable=True),
    Column("streak", SmallInteger, nullable=False),
    Column("streak_outcome", SmallInteger, nullable=False),
    moment("streak_time", nullable=True),
    moment("verdict_time", nullable=True),
    moment("accounted_time"),
)

check_rollups = Table(
    "check_rollups",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    moment("rolled_time"),
)


def _figures(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("tenant_id", UUID, primary_key=True),
        Column("check_id", UUID, primary_key=True),
        Column("start_time", TIMESTAMP(timezone=True), primary_key=True),
        Column("life_us", BigInteger, nullable=False),
        Column("up_us", BigInteger, nullable=False),
        Column("down_us", BigInteger, nullable=False),
        Column("up_slots", Integer, nullable=False),
        Column("down_slots", Integer, nullable=False),
        Column("error_slots", Integer, nullable=False),
        Column("missed_slots", Integer, nullable=False),
        Column("latencies", LargeBinary, nullable=False),
        Column("p95_us", Integer),
        Column("slow_slots", Integer, nullable=False),
    )


check_hours = _figures("check_hours")
check_days = _figures("check_days")


def _results(name: str) -> Table:
    own = [_column(each.name, each.sql, key=each.is_key, nullable=each.is_nullable) for each in RESULT_COLUMNS]
    return Table(name, metadata, *own, Column("recorded_xid", BigInteger, nullable=False))


results = _results("results")
on_demand_results = _results("on_demand_results")

incidents = Table(
    "incidents",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("service_id", UUID, nullable=False),
    Column("check_id", UUID, nullable=False),
    Column("service_name", Text, nullable=False),
    Column("check_name", Text, nullable=False),
    moment("start_time"),
    moment("detect_time"),
    moment("end_time", nullable=True),
    Column("resolution", SmallInteger),
    moment("acknowledge_time", nullable=True),
    *(_column(each.name, each.sql, nullable=True) for each in RUN_DETAILS_COLUMNS),
    Column("last_error_kind", SmallInteger),
    Column("last_error_message", Text),
    Column("last_status_code", SmallInteger),
)

incident_events = Table(
    "incident_events",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("incident_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    moment("create_time"),
    Column("kind", SmallInteger, nullable=False),
    Column("actor_kind", SmallInteger),
    Column("actor_id", UUID),
    Column("actor_name", Text, nullable=False),
    Column("note", Text, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    moment("start_time"),
    moment("renew_time"),
    Column("instance_id", UUID, nullable=False),
    Column("host", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("checks_held", Integer, nullable=False),
    Column("runs_in_flight", Integer, nullable=False),
    Column("runs_waiting", Integer, nullable=False),
    Column("lag_p50_us", Integer),
    Column("lag_p99_us", Integer),
    Column("runs_per_second", Double, nullable=False),
)

shard_leases = Table(
    "shard_leases",
    metadata,
    Column("shard", SmallInteger, primary_key=True),
    Column("worker_id", Text),
    Column("epoch", BigInteger, nullable=False),
    moment("expire_time"),
)
