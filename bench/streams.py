"""Live results for a thousand readers of a thousand tenants, on one worker, all on the same machine.

Ten checks every 5 s for each of 1,000 tenants are 2,000 results a second. Each tenant has one gRPC reader behind Envoy,
all in a separate process (bench/readers.py). Delay is from the end of a run to its arrival at the reader. The
received results are compared with the recorded ones: every result of the window, once.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import psutil

from bench.report import Line, at_most, figure
from services.auth.model import User
from services.auth.signing import Keyring
from services.platform.clock import SECOND_US, now_us
from services.platform.ids import new_id
from services.platform.security.principal import Role
from tests.support.ports import free_port
from tests.support.rows import a_check, a_tenant
from tests.support.stack import Stack

TENANTS = 1_000
CHECKS_EACH = 10
INTERVAL_S = 5
WINDOW_S = 30
_SETTLE_S = 12
_LAST_S = 5
_TOKENS_US = 900 * SECOND_US

_USER = """
    INSERT INTO users (tenant_id, id, email, display_name, role, password_hash, create_time, update_time)
    VALUES ($1, $2, 'a@acme.test', '', 1, '', now(), now())
"""
_SESSION = """
    INSERT INTO sessions (tenant_id, id, user_id, create_time, expire_time, last_use_time)
    VALUES ($1, $2, $3, now(), now() + interval '1 hour', now())
"""
_RECORDED = """
    SELECT count(*) AS results, count(*) FILTER (WHERE outcome <> 1) AS bad
    FROM results WHERE slot_time >= to_timestamp($1) AND slot_time < to_timestamp($2)
"""


def measure(folder: Path) -> list[Line]:
    """Measure the streams."""
    port = free_port()
    target = subprocess.Popen([sys.executable, "-m", "tests.support.cheap_target", str(port)])
    stack = Stack(data_dir=folder / "streams")
    stack.start()
    try:
        tokens = asyncio.run(_populate(stack, f"http://127.0.0.1:{port}/"))
        stack.stop()
        stack.start()  # so that all checks exist from the start
        time.sleep(_SETTLE_S)
        return _measure(stack, tokens)
    finally:
        stack.stop()
        target.kill()
        target.wait()


async def _populate(stack: Stack, url: str) -> list[str]:
    """Create tenants and checks through the database; return an access token of each tenant."""
    key = Keyring(stack.data_dir / "keys").newest
    admin = await _admin(stack)
    tokens = []
    async with admin.transaction():
        for _ in range(TENANTS):
            tenant_id, user_id, session_id = await a_tenant(admin), new_id(), new_id()
            await admin.execute(_USER, tenant_id, user_id)
            await admin.execute(_SESSION, tenant_id, session_id, user_id)
            for _ in range(CHECKS_EACH):
                await a_check(admin, tenant_id=tenant_id, interval_us=INTERVAL_S * SECOND_US, url=url)
            now = now_us()
            user = User(
                tenant_id=tenant_id,
                id=user_id,
                email="a@acme.test",
                display_name="",
                role=Role.VIEWER,
                create_us=now,
                update_us=now,
            )
            tokens.append(key.sign(user, session_id, now, now + _TOKENS_US))
        await admin.execute("UPDATE check_states SET accounted_time = now()")
        await admin.execute("UPDATE check_rollups SET rolled_time = date_trunc('hour', now(), 'UTC')")
    await admin.execute("ANALYZE")
    await admin.close()
    return tokens


def _measure(stack: Stack, tokens: list[str]) -> list[Line]:
    worker = stack.child("services.worker.app")
    readers = subprocess.Popen(
        [sys.executable, "-m", "bench.readers", stack.address],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if readers.stdin is None or readers.stdout is None:
        raise RuntimeError("both were asked for")
    begun = time.monotonic()
    readers.stdin.write(json.dumps(tokens) + "\n")
    readers.stdin.flush()
    readers.stdout.readline()  # all streams are open
    joined_s = time.monotonic() - begun
    postgres = [each for each in stack.children() if "postgres" in each.name()]
    envoy = stack.child("envoy")
    start = time.time() + 1
    before = [_cpu(worker), sum(map(_cpu, postgres)), _cpu(envoy)]
    time.sleep(WINDOW_S + 1)
    spent = [
        now - then for now, then in zip([_cpu(worker), sum(map(_cpu, postgres)), _cpu(envoy)], before, strict=True)
    ]
    memory = worker.memory_info().rss
    time.sleep(_LAST_S)  # until pending results have arrived
    readers.stdin.write(json.dumps([start, start + WINDOW_S]) + "\n")
    readers.stdin.close()
    seen = json.loads(readers.stdout.readline())
    readers.wait(10)
    results, bad = asyncio.run(_recorded(stack, start, start + WINDOW_S))
    return [
        figure(f"{TENANTS} readers of {TENANTS} tenants heard within", joined_s, "s"),
        figure("results recorded meanwhile", results / WINDOW_S, "results/s"),
        at_most("slots that were not UP", float(bad), "slots", 0),
        at_most("results that no reader got", float(results - seen["results"]), "results", 0),
        at_most("results that came twice or to the wrong tenant", float(seen["wrong"]), "results", 0),
        figure("end of a run to its reader p50", seen["p50"], "ms"),
        at_most("end of a run to its reader p99", seen["p99"], "ms", 150),
        figure("the slowest", seen["max"], "ms"),
        figure("CPU of the worker, probes included", spent[0] * 1e6 / results, "us/result"),
        figure("CPU of PostgreSQL with them", spent[1] * 1e6 / results, "us/result"),
        figure("CPU of Envoy with them", spent[2] * 1e6 / results, "us/result"),
        figure("memory of the worker with them (RSS)", memory / 2**20, "MB"),
    ]


async def _recorded(stack: Stack, start: float, end: float) -> tuple[int, int]:
    """Return how many results the window has, and how many of them are not UP."""
    admin = await _admin(stack)
    row = await admin.fetchrow(_RECORDED, start, end)
    await admin.close()
    if row is None:
        raise RuntimeError("an aggregate has always one row")
    return row["results"], row["bad"]


async def _admin(stack: Stack) -> "asyncpg.Connection[asyncpg.Record]":
    run_dir = (stack.data_dir / "run").readlink()
    return await asyncpg.connect(f"postgresql://postgres@/sentinel?host={run_dir / 'postgres'}")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
