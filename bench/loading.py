"""The CPU time of a worker to load checks of each kind from the database (docs/adr/0044)."""

import asyncio
import gc
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from bench.report import Line, figure
from services.checks.grid import SHARDS, shard_of
from services.checks.specs.assertions import BodyContains, JsonPathIs, TotalTimeWithin
from services.checks.specs.dns import DnsSpec
from services.checks.specs.grpc import GrpcSpec
from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.checks.specs.tcp import TcpSpec
from services.checks.specs.tls import TlsSpec
from services.checks.specs.tls_options import TlsOptions
from services.platform.clock import MINUTE_US, SECOND_US
from services.platform.ids import new_id
from services.platform.postgres.database import create_pool
from services.worker.roster import Held
from services.worker.store import EngineStore
from tests.support.database import TestServer, make_template, running
from tests.support.rows import a_check, spec_column

CHECKS = 10_000
_TIMES = 7

_PLAIN = HttpSpec(url="https://shop.test/")
_ONE = HttpSpec(url="https://shop.test/", asserted=(BodyContains("ok"),))
_FULL = HttpSpec(
    url="https://shop.test/",
    method="POST",
    headers=(("x-a", "b"), ("x-b", "c")),
    body=b"text",
    expected_statuses=(201, 202),
    follow_redirects=False,
    max_redirects=3,
    body_contains="x",
    tls=TlsOptions(skip_verify=True, server_name="a.test"),
    asserted=(BodyContains("a"), JsonPathIs("$.a", "equals", 3.0), TotalTimeWithin(2 * SECOND_US, only_slow=True)),
)
_TCP = TcpSpec("a.test", 443)
_HEARTBEAT = HeartbeatSpec(period_us=MINUTE_US, grace_us=5 * SECOND_US)
# The share of each spec, in percent.
_MIXTURE: Mapping[Spec, int] = {
    _PLAIN: 70,
    _ONE: 10,
    _FULL: 2,
    _TCP: 5,
    TlsSpec(host="a.test", port=443, min_days_left=7): 5,
    _HEARTBEAT: 4,
    DnsSpec("a.test", "A", ("192.0.2.1",)): 2,
    GrpcSpec(address="a.test:1", tls=True): 2,
}
_MAKE = """
    INSERT INTO checks (tenant_id, id, service_id, shard, name, kind, spec_message, interval_us, timeout_us,
                        failure_threshold, recovery_threshold, retries, create_time, update_time)
    SELECT tenant_id, $2, service_id, $3, $4, $5, $6, interval_us, timeout_us, 2, 1, 0, now(), now()
    FROM checks WHERE id = $1
"""
_ENABLE = (
    (
        "INSERT INTO check_states (tenant_id, check_id, state, streak, streak_outcome, accounted_time)"
        " SELECT tenant_id, id, 3, 0, 0, now() FROM checks WHERE id <> $1"
    ),
    (
        "INSERT INTO check_periods (tenant_id, check_id, start_time, interval_us)"
        " SELECT tenant_id, id, create_time, interval_us FROM checks WHERE id <> $1"
    ),
)


def measure(folder: Path) -> list[Line]:
    """Measure the CPU time."""
    with running(folder / "loading", make_template(folder / "template")) as server:
        return asyncio.run(_measure(server))


async def _measure(server: TestServer) -> list[Line]:
    of: Mapping[str, Mapping[Spec, int]] = {
        "HTTP checks with a URL only": {_PLAIN: 100},
        "HTTP checks with one assertion": {_ONE: 100},
        "HTTP checks with every field": {_FULL: 100},
        "TCP checks": {_TCP: 100},
        "heartbeats": {_HEARTBEAT: 100},
        "a mixture of checks": _MIXTURE,
    }
    lines = []
    for name, shares in of.items():
        url = await server.clone()
        await _fill(url, [spec for spec, share in shares.items() for _ in range(CHECKS * share // 100)])
        lines.append(figure(f"CPU to load one of {CHECKS} {name}", await _load_us(url), "us"))
    return lines


async def _fill(url: str, specs: list[Spec]) -> None:
    admin: Any = await asyncpg.connect(url)
    try:
        _, _, like = await a_check(admin)
        columns = {spec: spec_column(spec) for spec in set(specs)}
        rows = [
            (like, check_id := new_id(), shard_of(check_id), str(check_id), each.KIND, columns[each]) for each in specs
        ]
        await admin.executemany(_MAKE, rows)
        for statement in _ENABLE:
            await admin.execute(statement, like)
        await admin.execute("VACUUM ANALYZE")
    finally:
        await admin.close()


async def _load_us(url: str) -> float:
    """Return the lowest CPU of this process for each check, in microseconds."""
    pool = await create_pool(url, "sentinel_engine", 1, times_in_us=True)
    store, lowest = EngineStore(pool), float("inf")
    try:
        for _ in range(_TIMES):
            held: list[Held] = []
            gc.unfreeze()
            gc.collect()
            start = time.process_time()
            async for some in store.checks_of_shards(range(SHARDS)):
                held += some
                gc.freeze()  # as the roster does
            lowest = min(lowest, (time.process_time() - start) / len(held) * 1e6)
    finally:
        await pool.close()
    return lowest
