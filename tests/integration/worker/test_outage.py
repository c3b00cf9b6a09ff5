"""semantics.md §11: while the database is away results wait, bounded; what is dropped becomes MISSED."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from services.checks.outcome import MissedReason, Outcome
from services.checks.result import Result
from services.platform.clock import SECOND_US, from_datetime, now_us
from services.platform.postgres.database import create_pool
from services.platform.rpc.server import background
from services.worker import record
from services.worker.clock import SharedClock
from services.worker.metrics import Metrics
from services.worker.record import Recorder
from services.worker.schedule import ScheduledCheck
from services.worker.self_fault_guard import SelfFaultGuard
from services.worker.store import EngineStore
from tests.support.database import TestServer
from tests.support.patience import PATIENCE_S
from tests.support.rows import a_check
from tests.support.worker import a_scheduled_check

INTERVAL = 10 * SECOND_US


async def test_results_outlast_an_outage_in_order_and_what_is_dropped_is_missed(
    own_postgres: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "MOST_BYTES", 3 * 1024)
    # All slots are due, and none of long ago: its result would be dropped for its age.
    base_us = now_us() - 8 * INTERVAL
    url = await own_postgres.clone()
    admin = await asyncpg.connect(url)
    ids = await a_check(admin, interval_us=INTERVAL)
    await admin.close()
    pool = await create_pool(url, "sentinel_engine", 2, times_in_us=True)
    clock, metrics = SharedClock(), Metrics()
    recorder = Recorder(EngineStore(pool), SelfFaultGuard((), clock), lambda _: 0, clock, metrics)
    async with background(recorder.run()):
        recorder.add(*result(ids, base_us, 1))
        await recorder.flushed()
        await asyncio.to_thread(own_postgres.stop)
        recorder.add(*result(ids, base_us, 2))
        async with asyncio.timeout(PATIENCE_S):
            while recorder.bytes_waiting:  # noqa: ASYNC110 — no event says that a batch is under way
                await asyncio.sleep(0)
        for number in range(3, 8):
            recorder.add(*result(ids, base_us, number))
        await asyncio.to_thread(own_postgres.start)
        async with asyncio.timeout(PATIENCE_S):
            await recorder.flushed()
    admin = await asyncpg.connect(url)
    rows = await admin.fetch("SELECT slot_time, outcome, slot_count, missed_reason FROM results ORDER BY slot_time")
    await admin.close()
    await pool.close()

    covered = []
    for row in rows:
        first = (from_datetime(row["slot_time"]) - base_us) // INTERVAL
        covered += list(range(first, first + row["slot_count"]))
    assert covered == [1, 2, 3, 4, 5, 6, 7]
    missed = [row for row in rows if row["outcome"] == Outcome.MISSED]
    assert {row["missed_reason"] for row in missed} == {MissedReason.DATABASE_AWAY}
    lost = sum(row["slot_count"] for row in missed)
    assert 1 <= lost <= 3
    assert (metrics.dropped_results, metrics.missed_slots()[MissedReason.DATABASE_AWAY.name,]) == (lost, lost)
    assert metrics.batch_size.sum == 7 - lost + len(missed)
    assert recorder.waiting == 0


def result(ids: tuple[UUID, UUID, UUID], base_us: int, number: int) -> tuple[Result, ScheduledCheck]:
    tenant_id, service_id, check_id = ids
    check = a_scheduled_check(check_id, INTERVAL, tenant_id=tenant_id, service_id=service_id, since_us=now_us())
    slot = base_us + number * INTERVAL
    return Result(
        tenant_id=tenant_id,
        service_id=service_id,
        check_id=check_id,
        slot_us=slot,
        interval_us=INTERVAL,
        outcome=Outcome.UP,
        worker_id="w",
        start_us=slot + 1,
    ), check
