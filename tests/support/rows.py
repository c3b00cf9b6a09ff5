"""Rows for tests to start from, inserted as the owner of the tables."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.checks.grid import shard_of
from services.checks.heartbeat_token import hash_of, new_token
from services.checks.specs.column import CHECK_SPECS
from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.checks.state import CheckState
from services.platform.clock import HOUR_US, SECOND_US, to_datetime
from services.platform.ids import new_id
from services.worker.report import WorkerReport

START_US = 1_790_000_000 * SECOND_US


async def insert(admin: Any, table: str, **columns: Any) -> None:
    """Insert a row; other columns have their defaults."""
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    await admin.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", *columns.values())


def spec_column(spec: Spec) -> str:
    """Return what the column of a check without secrets holds."""
    return json.dumps(CHECK_SPECS.to_json(spec))


async def a_tenant(admin: Any) -> UUID:
    """Insert a tenant; return its id."""
    tenant_id = new_id()
    await insert(admin, "tenants", id=tenant_id, slug=f"t-{tenant_id}", name="Acme", create_time=to_datetime(START_US))
    return tenant_id


async def a_check(
    admin: Any,
    *,
    tenant_id: UUID | None = None,
    interval_us: int = 10 * SECOND_US,
    url: str = "http://t.test/",
    spec: Mapping[str, str] | None = None,
) -> tuple[UUID, UUID, UUID]:
    """Insert a tenant (unless given), a service and an enabled check, created at START_US; return their ids.

    Args:
        admin: a connection of the owner of the tables.
        tenant_id: whose check it is.
        interval_us: its interval.
        url: what it asks.
        spec: the column of the spec and what it holds, instead of the URL: for a database of an earlier version.
    """
    spec = spec or {"spec_message": spec_column(HttpSpec(url=url))}
    tenant_id = tenant_id or await a_tenant(admin)
    service_id, check_id = new_id(), new_id()
    now = to_datetime(START_US)
    made = {"create_time": now, "update_time": now}
    await insert(
        admin, "services", tenant_id=tenant_id, id=service_id, name=f"s-{service_id}", url="", description="",
        labels="{}", **made,
    )  # fmt: skip
    await insert(
        admin, "checks", tenant_id=tenant_id, id=check_id, service_id=service_id, shard=shard_of(check_id), name="home",
        kind="http", **spec, interval_us=interval_us,
        timeout_us=interval_us // 2, failure_threshold=2, recovery_threshold=1, retries=0, **made,
    )  # fmt: skip
    of_check = {"tenant_id": tenant_id, "check_id": check_id}
    unknown = int(CheckState.UNKNOWN)
    await insert(admin, "check_states", **of_check, state=unknown, streak=0, streak_outcome=0, accounted_time=now)
    await insert(admin, "check_periods", **of_check, start_time=now, interval_us=interval_us)
    await insert(admin, "check_rollups", **of_check, rolled_time=to_datetime(START_US - START_US % HOUR_US))
    return tenant_id, service_id, check_id


async def a_heartbeat(admin: Any, spec: HeartbeatSpec, **rest: Any) -> tuple[tuple[UUID, UUID], str]:
    """Insert a heartbeat, like a_check, but enabled just now; return its tenant and id, and its token."""
    tenant_id, _, check_id = await a_check(admin, interval_us=spec.slots_every_us(0), **rest)
    token = new_token()
    await admin.execute(
        "UPDATE checks SET kind = 'heartbeat', spec_message = $3 WHERE tenant_id = $1 AND id = $2",
        tenant_id, check_id, spec_column(spec),
    )  # fmt: skip
    await insert(admin, "heartbeats", tenant_id=tenant_id, check_id=check_id, token_hash=hash_of(token))
    await admin.execute(
        "UPDATE check_periods SET start_time = now() WHERE tenant_id = $1 AND check_id = $2", tenant_id, check_id
    )
    return (tenant_id, check_id), token


def a_report(**figures: Any) -> WorkerReport:
    """Return the report of a new, idle worker, with the given values."""
    at_rest = WorkerReport(
        instance_id=new_id(),
        host="here",
        version="0",
        up_s=0.0,
        checks_held=0,
        runs_in_flight=0,
        runs_waiting=0,
        lag_p50_us=None,
        lag_p99_us=None,
        runs_per_second=0.0,
    )
    return replace(at_rest, **figures)
