"""Rows that tests start from, written as the owner of the tables."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.common.clock import SECOND_US, to_datetime
from services.common.grid import shard_of
from services.common.heartbeat_token import hash_of, new_token
from services.common.ids import new_id
from services.common.specs.heartbeat import HeartbeatSpec
from services.common.specs.http import HttpSpec
from services.worker.report import WorkerReport

START_US = 1_790_000_000 * SECOND_US


async def a_tenant(admin: Any) -> UUID:
    """A tenant."""
    tenant_id = new_id()
    await admin.execute(
        "INSERT INTO tenants VALUES ($1, $2, 'Acme', $3)", tenant_id, f"t-{tenant_id}", to_datetime(START_US)
    )
    return tenant_id


async def a_check(
    admin: Any, *, tenant_id: UUID | None = None, interval_us: int = 10 * SECOND_US, url: str = "http://t.test/"
) -> tuple[UUID, UUID, UUID]:
    """A tenant (unless given), a service and an enabled check, made at START_US; answers their ids."""
    tenant_id = tenant_id or await a_tenant(admin)
    service_id, check_id = new_id(), new_id()
    now = to_datetime(START_US)
    await admin.execute(
        "INSERT INTO services VALUES ($1, $2, $3, '', '', '{}', NULL, $4, $4)",
        tenant_id, service_id, f"s-{service_id}", now,
    )  # fmt: skip
    await admin.execute(
        "INSERT INTO checks VALUES ($1, $2, $3, $4, 'home', 'http', $5, $6, $7, 2, 1, 0, NULL, $8, $8)",
        tenant_id, check_id, service_id, shard_of(check_id), json.dumps(HttpSpec(url=url).to_json()),
        interval_us, interval_us // 2, now,
    )  # fmt: skip
    await admin.execute(
        "INSERT INTO check_states VALUES ($1, $2, 3, NULL, 0, 0, NULL, NULL, $3)", tenant_id, check_id, now
    )
    await admin.execute(
        "INSERT INTO check_periods VALUES ($1, $2, $3, NULL, $4)", tenant_id, check_id, now, interval_us
    )
    await admin.execute(
        "INSERT INTO check_rollups VALUES ($1, $2, date_trunc('hour', $3::timestamptz))", tenant_id, check_id, now
    )
    return tenant_id, service_id, check_id


async def a_heartbeat(admin: Any, spec: HeartbeatSpec, **rest: Any) -> tuple[tuple[UUID, UUID], str]:
    """A heartbeat as a_check makes a check, but on since just now; answers its tenant and id, and its token."""
    tenant_id, _, check_id = await a_check(admin, interval_us=spec.slots_every_us(0), **rest)
    token = new_token()
    await admin.execute(
        "UPDATE checks SET kind = 'heartbeat', spec = $3 WHERE tenant_id = $1 AND id = $2",
        tenant_id, check_id, json.dumps(spec.to_json()),
    )  # fmt: skip
    await admin.execute("INSERT INTO heartbeats VALUES ($1, $2, $3)", tenant_id, check_id, hash_of(token))
    await admin.execute(
        "UPDATE check_periods SET start_time = now() WHERE tenant_id = $1 AND check_id = $2", tenant_id, check_id
    )
    return (tenant_id, check_id), token


def a_report(**figures: Any) -> WorkerReport:
    """What a worker says of itself: a new one, at rest, but for the figures given."""
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
