"""The tables as SQLAlchemy Core knows them; the migrations make them, and a test holds the two together."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, LargeBinary, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import INET, JSONB, TIMESTAMP, UUID

metadata = MetaData()


def _moment(name: str, *, nullable: bool = False) -> "Column[object]":
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


tenants = Table(
    "tenants",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    _moment("create_time"),
)

users = Table(
    "users",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("email", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("password_hash", Text, nullable=False),
    _moment("create_time"),
    _moment("disable_time", nullable=True),
    _moment("update_time"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("user_id", UUID, nullable=False),
    _moment("create_time"),
    _moment("expire_time"),
    _moment("end_time", nullable=True),
    _moment("last_use_time"),
    Column("client", Text, nullable=False),
    Column("address", Text, nullable=False),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", UUID, nullable=False),
    _moment("create_time"),
    _moment("spend_time", nullable=True),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("public_key", LargeBinary, nullable=False),
    _moment("create_time"),
    _moment("retire_time", nullable=True),
)

invitations = Table(
    "invitations",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("email", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    _moment("create_time"),
    _moment("expire_time"),
)

tenant_invitations = Table(
    "tenant_invitations",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    _moment("create_time"),
    _moment("expire_time"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    _moment("create_time"),
    _moment("expire_time", nullable=True),
    _moment("last_use_time", nullable=True),
)

revocations = Table(
    "revocations",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("subject", UUID, nullable=False),
    Column("role", SmallInteger),
    Column("reason", Text, nullable=False),
    _moment("create_time"),
)

tenant_suspensions = Table(
    "tenant_suspensions",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("start_time", TIMESTAMP(timezone=True), primary_key=True),
    _moment("end_time", nullable=True),
    Column("reason", Text, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    _moment("create_time"),
    Column("actor_kind", SmallInteger, nullable=False),
    Column("actor_id", UUID),
    Column("actor_name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource_id", UUID, nullable=False),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    _moment("empty_time"),
)

clusters = Table(
    "clusters",
    metadata,
    Column("number", SmallInteger, primary_key=True),
    Column("system_identifier", BigInteger, nullable=False),
    _moment("enter_time"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

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
    _moment("create_time"),
    _moment("update_time"),
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
    Column("spec", JSONB, nullable=False),
    Column("interval_us", BigInteger, nullable=False),
    Column("timeout_us", BigInteger, nullable=False),
    Column("failure_threshold", SmallInteger, nullable=False),
    Column("recovery_threshold", SmallInteger, nullable=False),
    Column("retries", SmallInteger, nullable=False),
    Column("request_id", UUID),
    _moment("create_time"),
    _moment("update_time"),
    Column("retry_delay_us", BigInteger, nullable=False),
)

check_periods = Table(
    "check_periods",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    Column("start_time", TIMESTAMP(timezone=True), primary_key=True),
    _moment("end_time", nullable=True),
    Column("interval_us", BigInteger, nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False),
    _moment("last_signal_time", nullable=True),
    _moment("last_success_time", nullable=True),
    Column("last_exit_code", BigInteger),
    Column("signals", BigInteger, nullable=False),
    _moment("last_failure_time", nullable=True),
    Column("last_failure_code", BigInteger),
)

heartbeat_reception = Table(
    "heartbeat_reception",
    metadata,
    Column("id", Boolean, primary_key=True),
    _moment("last_time"),
    _moment("outage_start_time", nullable=True),
    _moment("outage_end_time", nullable=True),
)

removed_checks = Table(
    "removed_checks",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    _moment("remove_time"),
)

maintenance_windows = Table(
    "maintenance_windows",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("service_id", UUID),
    Column("name", Text, nullable=False),
    _moment("start_time"),
    Column("duration_us", BigInteger, nullable=False),
    Column("rrule", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("request_id", UUID),
    _moment("create_time"),
    _moment("update_time"),
    _moment("planned_time"),
)

maintenance_spans = Table(
    "maintenance_spans",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("window_id", UUID, primary_key=True),
    Column("start_time", TIMESTAMP(timezone=True), primary_key=True),
    _moment("end_time"),
    Column("service_id", UUID),
)

check_states = Table(
    "check_states",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    Column("state", SmallInteger, nullable=False),
    _moment("state_time", nullable=True),
    Column("streak", SmallInteger, nullable=False),
    Column("streak_outcome", SmallInteger, nullable=False),
    _moment("streak_time", nullable=True),
    _moment("verdict_time", nullable=True),
    _moment("accounted_time"),
)

check_rollups = Table(
    "check_rollups",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("check_id", UUID, primary_key=True),
    _moment("rolled_time"),
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
    return Table(
        name,
        metadata,
        Column("tenant_id", UUID, primary_key=True),
        Column("check_id", UUID, primary_key=True),
        Column("slot_time", TIMESTAMP(timezone=True), primary_key=True),
        Column("service_id", UUID, nullable=False),
        _moment("start_time", nullable=True),
        Column("interval_us", BigInteger, nullable=False),
        Column("recorded_xid", BigInteger, nullable=False),
        Column("outcome", SmallInteger, nullable=False),
        Column("error_kind", SmallInteger),
        Column("missed_reason", SmallInteger),
        Column("slot_count", Integer, nullable=False),
        Column("status_code", SmallInteger),
        Column("dns_us", Integer),
        Column("connect_us", Integer),
        Column("tls_us", Integer),
        Column("ttfb_us", Integer),
        Column("transfer_us", Integer),
        Column("total_us", Integer),
        Column("body_bytes", Integer),
        Column("redirects", SmallInteger, nullable=False),
        Column("attempt", SmallInteger, nullable=False),
        _moment("tls_not_after", nullable=True),
        Column("resolved_ip", INET),
        Column("http_version", Text),
        Column("error_message", Text, nullable=False),
        Column("worker_id", Text, nullable=False),
        Column("tls_version", Text),
        Column("tls_warning", Text),
        Column("failed_assertions", Text),
        Column("slow", Boolean, nullable=False),
        Column("attempts", Text),
    )


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
    _moment("start_time"),
    _moment("detect_time"),
    _moment("end_time", nullable=True),
    Column("resolution", SmallInteger),
    _moment("acknowledge_time", nullable=True),
    Column("error_kind", SmallInteger),
    Column("error_message", Text),
    Column("status_code", SmallInteger),
    Column("dns_us", Integer),
    Column("connect_us", Integer),
    Column("tls_us", Integer),
    Column("ttfb_us", Integer),
    Column("transfer_us", Integer),
    Column("total_us", Integer),
    Column("last_error_kind", SmallInteger),
    Column("last_error_message", Text),
    Column("last_status_code", SmallInteger),
    Column("failed_assertions", Text),
)

incident_events = Table(
    "incident_events",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("incident_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    _moment("create_time"),
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
    _moment("start_time"),
    _moment("renew_time"),
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
    _moment("expire_time"),
)
