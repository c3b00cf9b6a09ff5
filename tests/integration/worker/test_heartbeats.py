"""Signals on a real database: written together, answered when committed, and read again for verdicts (ADR 0025)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.heartbeat_token import hash_of, new_token
from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.heartbeat import HeartbeatSpec
from services.platform.clock import DAY_US, MINUTE_US, SECOND_US, from_datetime
from services.platform.egress.policy import EgressPolicy
from services.platform.errors import NotFound, ResourceExhausted, Unavailable
from services.platform.ids import new_id
from services.platform.postgres.database import create_pool
from services.platform.rpc.server import background
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.worker.heartbeats import signal_ingest
from services.worker.heartbeats.ingest_liveness import IngestLiveness
from services.worker.heartbeats.signal_ingest import SignalIngest
from services.worker.heartbeats.signals import Signals
from services.worker.metrics import Metrics, SignalOutcome
from services.worker.probe import Prober
from services.worker.store import SignalIngestSql, SignalsSql
from tests.integration.worker.probing import PLENTY_S, run, verdict
from tests.support.database import TestServer
from tests.support.hand_clock import HandClock
from tests.support.patience import PATIENCE_S
from tests.support.public_tls import public_tls
from tests.support.rows import a_heartbeat

DAILY = HeartbeatSpec(DAY_US, 10 * MINUTE_US)
UP, UNKNOWN = (Outcome.UP, None), (Outcome.ERROR, ErrorKind.NO_SIGNAL_YET)
FAILED, OVERDUE = (Outcome.DOWN, ErrorKind.HEARTBEAT_FAILED), (Outcome.DOWN, ErrorKind.HEARTBEAT_OVERDUE)
OURS = (Outcome.ERROR, ErrorKind.INTERNAL)


@dataclass
class Desk:
    """Both ends: what takes signals, and what reads them."""

    reception: SignalIngest
    signals: Signals
    prober: Prober
    metrics: Metrics

    async def take(self, token: str, exit_code: int | None = 0) -> None:
        """Take a signal."""
        await self.reception.record(hash_of(token), exit_code)

    async def verdict(self, spec: HeartbeatSpec, timeout_s: float = PLENTY_S) -> tuple[Outcome, ErrorKind | None]:
        """How a run ends."""
        return verdict(await run(self.prober, spec, timeout_s=timeout_s))


@asynccontextmanager
async def a_desk(url: str, resolver: Resolver) -> AsyncIterator[Desk]:
    """On a database that took signals until now; the one that tests clone theirs from may be minutes old."""
    worker = await create_pool(url, "sentinel_worker", 2, times_in_us=True)
    await worker.execute("UPDATE heartbeat_reception SET last_time = now()")
    engine = await create_pool(url, "sentinel_engine", 2, times_in_us=True)
    metrics, signals = Metrics(), Signals(SignalsSql(engine))
    signal_ingest = SignalIngest(SignalIngestSql(worker), metrics)
    async with background(signal_ingest.run()):
        yield Desk(
            signal_ingest,
            signals,
            Prober(Network(resolver, EgressPolicy(), public_tls()), signals=signals, worker_id="worker-1"),
            metrics,
        )
    await worker.close()
    await engine.close()


@pytest.fixture
async def desk(database_url: str, resolver: Resolver) -> AsyncIterator[Desk]:
    """On a database of the test's own."""
    async with a_desk(database_url, resolver) as desk:
        yield desk


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def ages(admin: Any, check_id: object, span_us: int) -> None:
    """Let what is known of a heartbeat be so much older."""
    span = "make_interval(secs => $2::float8 / 1e6)"
    await admin.execute(
        f"UPDATE heartbeats SET last_signal_time = last_signal_time - {span},"
        f" last_success_time = last_success_time - {span}, last_failure_time = last_failure_time - {span}"
        " WHERE check_id = $1",
        check_id, span_us,
    )  # fmt: skip
    await admin.execute(
        f"UPDATE check_periods SET start_time = start_time - {span} WHERE check_id = $1", check_id, span_us
    )


async def test_a_heartbeat_goes_from_unknown_to_up_to_failed_to_overdue(desk: Desk, admin: Any) -> None:
    key, token = await a_heartbeat(admin, DAILY)
    spec = DAILY.bound_to(*key)
    assert await desk.verdict(spec) == UNKNOWN
    await desk.take(token)
    assert await desk.verdict(spec) == UP
    await desk.take(token, 7)
    assert await desk.verdict(spec) == FAILED
    await desk.take(token, None)
    assert await desk.verdict(spec) == FAILED
    await desk.take(token)
    assert await desk.verdict(spec.with_body_kept()) == UP
    assert await desk.verdict(spec) == FAILED  # the slot reports the failures in it
    await ages(admin, key[1], DAY_US + 9 * MINUTE_US)
    assert await desk.verdict(spec) == UP
    await ages(admin, key[1], 2 * MINUTE_US)
    assert await desk.verdict(spec) == OVERDUE
    await admin.execute("DELETE FROM checks")
    assert await desk.verdict(spec) == OURS
    with pytest.raises(NotFound):
        await desk.take(token)


async def test_what_came_during_a_pause_counts_behind_it(desk: Desk, admin: Any) -> None:
    key, token = await a_heartbeat(admin, DAILY)
    await ages(admin, key[1], 3 * DAY_US)
    assert await desk.verdict(DAILY.bound_to(*key)) == OVERDUE
    await admin.execute("UPDATE check_periods SET end_time = now()")
    assert await desk.verdict(DAILY.bound_to(*key)) == UNKNOWN  # as a run on demand may ask
    await desk.take(token)
    assert await desk.verdict(DAILY.bound_to(*key)) == UP


async def test_signals_of_one_moment_are_one_transaction_and_those_of_one_token_one_row(desk: Desk, admin: Any) -> None:
    made = [await a_heartbeat(admin, DAILY) for _ in range(20)]
    codes = [0, 1, None, 0, 3]
    await asyncio.gather(*(desk.take(token, code) for code in codes for _, token in made))
    rows = await admin.fetch("SELECT *, xmin::text AS written_by FROM heartbeats")

    assert len({row["written_by"] for row in rows}) == 1
    assert {(row["signals"], row["last_exit_code"]) for row in rows} == {(5, 3)}
    assert all(row["last_success_time"] == row["last_signal_time"] == row["last_failure_time"] for row in rows)
    assert {row["last_failure_code"] for row in rows} == {3}
    assert desk.metrics.ended_signals() == {
        ("SUCCESS",): 40, ("FAILURE",): 60, ("UNKNOWN",): 0, ("LIMITED",): 0
    }  # fmt: skip


async def test_who_goes_away_takes_nobody_with_them(desk: Desk, admin: Any) -> None:
    (_, one), (_, other) = [await a_heartbeat(admin, DAILY) for _ in range(2)]
    gone, stays = asyncio.create_task(desk.take(one)), asyncio.create_task(desk.take(other))
    await asyncio.sleep(0)
    gone.cancel()
    await stays

    assert {row["signals"] for row in await admin.fetch("SELECT signals FROM heartbeats")} == {1}


async def test_what_is_no_heartbeats_token_is_not_found_beside_those_that_are(desk: Desk, admin: Any) -> None:
    _, token = await a_heartbeat(admin, DAILY)
    wrong = [new_token(), token.upper(), token[:-1], "", "ä"]
    ended = await asyncio.gather(*(desk.take(each) for each in [*wrong, token]), return_exceptions=True)

    assert ended[-1] is None
    assert [each.reason for each in ended if isinstance(each, NotFound)] == [
        reasons.ERROR_REASON_HEARTBEAT_NOT_FOUND
    ] * len(wrong)
    assert desk.metrics.ended_signals()[SignalOutcome.UNKNOWN.name,] == len(wrong)


async def test_one_token_too_often_is_told_when_to_come_back_and_the_others_are_taken(
    desk: Desk, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    HandClock().rules(monkeypatch, signal_ingest)
    (_, busy), (_, calm) = [await a_heartbeat(admin, DAILY) for _ in range(2)]
    ended = await asyncio.gather(*(desk.take(busy) for _ in range(70)), return_exceptions=True)
    await desk.take(calm)
    limited = [each for each in ended if isinstance(each, ResourceExhausted)]

    assert [(each.reason, each.retry_after_s) for each in limited] == [(reasons.ERROR_REASON_RATE_LIMITED, 1.0)] * 10


async def test_runs_of_one_moment_share_one_read(desk: Desk, admin: Any) -> None:
    keys = [(await a_heartbeat(admin, DAILY))[0] for _ in range(20)]
    reported = await asyncio.gather(*(desk.signals.of(key) for key in keys), desk.signals.of((new_id(), new_id())))

    assert reported.pop() is None
    assert len({each.read_us for each in reported if each}) == 1
    first = await desk.signals.of(keys[0])
    assert first is not None
    assert first.read_us > max(each.read_us for each in reported if each)  # nothing is remembered


async def test_a_database_that_is_slow_is_our_trouble(desk: Desk, admin: Any) -> None:
    key, token = await a_heartbeat(admin, DAILY)
    await desk.take(token, 1)
    async with admin.transaction():
        await admin.execute("LOCK TABLE heartbeats IN ACCESS EXCLUSIVE MODE")
        assert await desk.verdict(DAILY.bound_to(*key), timeout_s=0.2) == OURS
    assert await desk.verdict(DAILY.bound_to(*key)) == FAILED


async def test_what_was_answered_outlasts_a_crash_and_what_was_not_is_refused(
    own_postgres: TestServer, resolver: Resolver
) -> None:
    url = await own_postgres.clone()
    admin = await asyncpg.connect(url)
    made = [await a_heartbeat(admin, DAILY) for _ in range(5)]
    await admin.close()
    answered = dict.fromkeys((token for _, token in made), 0)
    async with a_desk(url, resolver) as desk:

        async def job(token: str) -> None:
            with suppress(Unavailable, ResourceExhausted):
                while True:
                    await desk.take(token)
                    answered[token] += 1

        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as jobs:
            for _, token in made:
                jobs.create_task(job(token))
            while sum(answered.values()) < 50:
                await desk.signals.of(made[0][0])
            await asyncio.to_thread(own_postgres.stop)  # some are under way
        with pytest.raises(Unavailable):
            await desk.take(made[0][1])
        assert await desk.verdict(DAILY.bound_to(*made[0][0])) == OURS
        await asyncio.to_thread(own_postgres.start)
        admin = await asyncpg.connect(url)
        for _, token in made:
            signals = await admin.fetchval("SELECT signals FROM heartbeats WHERE token_hash = $1", hash_of(token))
            assert answered[token] <= signals <= answered[token] + 1
        await admin.close()
        await desk.take(made[0][1])
        assert await desk.verdict(DAILY.bound_to(*made[0][0])) == UP


async def test_two_workers_that_write_the_same_rows_at_once_end_both(database_url: str, resolver: Resolver) -> None:
    admin = await asyncpg.connect(database_url)
    tokens = [(await a_heartbeat(admin, DAILY))[1] for _ in range(20)]
    async with (
        a_desk(database_url, resolver) as one,
        a_desk(database_url, resolver) as other,
        asyncio.timeout(PATIENCE_S),
    ):
        for _ in range(20):
            await asyncio.gather(
                *(one.take(token) for token in tokens), *(other.take(token) for token in reversed(tokens))
            )
    signals = await admin.fetch("SELECT DISTINCT signals FROM heartbeats")
    await admin.close()

    assert [row["signals"] for row in signals] == [40]


async def test_time_is_the_databases_and_never_goes_back(desk: Desk, admin: Any) -> None:
    key, token = await a_heartbeat(admin, DAILY)
    before = await admin.fetchval("SELECT now()")
    await desk.take(token)
    after = await admin.fetchval("SELECT now()")
    row = await admin.fetchrow("SELECT * FROM heartbeats")
    assert before <= row["last_signal_time"] <= after
    await ages(admin, key[1], -3600 * SECOND_US)  # as if the clock had been set back
    ahead = await admin.fetchval("SELECT last_success_time FROM heartbeats")
    await desk.take(token)
    row = await admin.fetchrow("SELECT * FROM heartbeats")
    assert (row["last_signal_time"], row["last_success_time"], row["signals"]) == (ahead, ahead, 2)


async def test_silence_while_nobody_could_take_signals_is_nobodys_fault(
    database_url: str, desk: Desk, admin: Any
) -> None:
    key, token = await a_heartbeat(admin, DAILY)
    await desk.take(token)
    await ages(admin, key[1], DAY_US + 11 * MINUTE_US)
    assert await desk.verdict(DAILY.bound_to(*key)) == OVERDUE

    last = await admin.fetchval(
        "UPDATE heartbeat_reception SET last_time = now() - interval '1 hour' RETURNING last_time"
    )
    going_on = await desk.signals.of(key)
    assert going_on is not None
    assert going_on.outage == (from_datetime(last), going_on.read_us)  # before anybody says that it is over
    assert await desk.verdict(DAILY.bound_to(*key)) == UNKNOWN

    pool = await create_pool(database_url, "sentinel_worker", 1, times_in_us=True)
    ingest_liveness = IngestLiveness(SignalIngestSql(pool))
    async with background(ingest_liveness.run()), asyncio.timeout(PATIENCE_S):
        while (over := await desk.signals.of(key)) is None or over.outage == (from_datetime(last), over.read_us):
            pass
    assert over.outage is not None
    assert over.outage[0] == from_datetime(last)
    assert going_on.read_us < over.outage[1] <= over.read_us + 5 * SECOND_US  # Envoy needs a moment too
    await SignalIngestSql(pool).record_liveness()
    again = await desk.signals.of(key)
    assert again is not None
    assert again.outage == over.outage  # who says it in time ends nothing
    assert await desk.verdict(DAILY.bound_to(*key)) == UNKNOWN
    await pool.close()

    # A day behind it the job has had all the time that it has ever.
    await ages(admin, key[1], DAY_US)
    span = "interval '1 day 11 minutes'"
    await admin.execute(
        f"UPDATE heartbeat_reception SET outage_start_time = outage_start_time - {span},"
        f" outage_end_time = outage_end_time - {span}"
    )
    assert await desk.verdict(DAILY.bound_to(*key)) == OVERDUE
