"""Assertions on real responses: evaluated; each that fails is reported, recorded and read back."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.assertion_outcome import AssertionOutcome, AssertionStatus
from services.checks.check_settings import CheckSettings
from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.checks.specs.assertions import (
    BodyContains,
    BodyMatches,
    CertificateLasts,
    HeaderIs,
    JsonPathIs,
    PhaseWithin,
    StatusIs,
    TotalTimeWithin,
)
from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.specs.http import HttpSpec
from services.checks.specs.tls_options import TlsOptions
from services.platform.clock import SECOND_US, now_us
from services.platform.errors import InvalidArgument, NotFound, ResourceExhausted
from services.platform.postgres.database import create_pool
from services.wire.body import Body
from services.wire.network import Network
from services.wire.observation import Observation
from services.worker.cpu_queue import CpuQueue
from services.worker.judging.attempt_report import AttemptReport
from services.worker.judging.evaluation import Evaluation
from services.worker.on_demand import OnDemand, PhaseEnded, TryDraft
from services.worker.probe import Prober
from services.worker.record import Pending
from services.worker.store import EngineStore, TenantStore
from tests.integration.worker.guards import a_guard
from tests.integration.worker.probing import probe, run, verdict
from tests.integration.worker.watched_cpu import WatchedCpu
from tests.support.rows import START_US, a_check
from tests.support.targets import Authority, Echo, target
from tests.support.worker import a_scheduled_check

BODY = orjson.dumps({"status": "ok", "items": [{"id": 1}, {"id": 2}]})
ANSWER = b"HTTP/1.1 200 OK\r\nserver: x/1\r\ncontent-length: %d\r\n\r\n%s"
FINE = (
    StatusIs(ranges=("200-299",)), BodyContains("ok"), JsonPathIs("$.status", "equals", "ok"),
    JsonPathIs("$.items[*].id", "at_least", 1.0), BodyMatches("id.:2"), HeaderIs("Server", "matches", "^x/"),
    TotalTimeWithin(4 * SECOND_US), PhaseWithin("ttfb", 4 * SECOND_US),
)  # fmt: skip


def answer(body: bytes = BODY) -> Echo:
    return Echo(ANSWER % (len(body), body))


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[TenantStore]:
    pool = await create_pool(database_url, "sentinel_worker", 2, times_in_us=True)
    yield TenantStore(pool)
    await pool.close()


@pytest.fixture
async def engine_store(database_url: str) -> AsyncIterator[EngineStore]:
    pool = await create_pool(database_url, "sentinel_engine", 2, times_in_us=True)
    yield EngineStore(pool)
    await pool.close()


async def test_all_are_looked_at_and_those_that_fail_are_told(prober: Prober) -> None:
    async with target(answer()) as port:
        up = await probe(prober, f"http://127.0.0.1:{port}/", asserted=FINE)
        wrong = (JsonPathIs("$.status", "equals", "up"), BodyContains("ok"), HeaderIs("server", "exists", False))
        down = await probe(prober, f"http://127.0.0.1:{port}/", asserted=wrong)

    assert (verdict(up), up.failed_assertions, up.slow) == ((Outcome.UP, None), (), False)
    assert verdict(down) == (Outcome.DOWN, ErrorKind.ASSERTION)
    assert down.error_message == 'json_path $.status: "ok"; expected: equals "up"'
    assert [(each.index, each.actual) for each in down.failed_assertions] == [(0, '"ok"'), (2, "x/1")]


async def test_a_run_over_a_limit_that_only_flags_is_up_and_slow(prober: Prober) -> None:
    limits = (TotalTimeWithin(1, only_slow=True), PhaseWithin("connect", 4 * SECOND_US, only_slow=True))
    async with target(answer()) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", asserted=limits)
        hard = await probe(prober, f"http://127.0.0.1:{port}/", asserted=(TotalTimeWithin(1),))

    assert (verdict(seen), seen.slow) == ((Outcome.UP, None), True)
    assert [each.index for each in seen.failed_assertions] == [0]
    assert (verdict(hard), hard.slow) == ((Outcome.DOWN, ErrorKind.ASSERTION), False)


async def test_days_of_a_certificate_are_those_of_the_one_that_came(prober: Prober, authority: Authority) -> None:
    tls = TlsOptions(server_name="shop.test")
    async with target(answer(), authority.server("shop.test", days=20)) as port:
        for days, outcome in ((19, Outcome.UP), (21, Outcome.DOWN)):
            url = f"https://127.0.0.1:{port}/"
            seen = await probe(prober, url, tls=tls, asserted=(CertificateLasts(days),))
            assert seen.outcome is outcome, seen.error_message


async def test_a_retry_leaves_nothing_of_what_failed_before(prober: Prober) -> None:
    answers = iter([b"bad", BODY])

    async def handler(reader: Any, writer: Any) -> None:
        await Echo(ANSWER % (len(body := next(answers)), body))(reader, writer)

    async with target(handler) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", asserted=(BodyContains("ok"),), retries=1)

    assert (seen.outcome, seen.attempt, seen.failed_assertions) == (Outcome.UP, 2, ())


async def test_what_cannot_be_evaluated_is_an_error_of_ours(prober: Prober) -> None:
    async with target(answer()) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", asserted=(BodyMatches("("),), retries=2)

    assert verdict(seen) == (Outcome.ERROR, ErrorKind.INTERNAL)
    assert seen.attempt == 1


def failed(index: int) -> AssertionOutcome:
    return AssertionOutcome(
        index=index,
        subject="body",
        status=AssertionStatus.FAILED,
        expected='contains "ok"',
        actual="nein \N{SNOWMAN}",
        only_slow=True,
    )


async def recorded(
    engine_store: EngineStore, admin: "asyncpg.Connection[asyncpg.Record]", **rest: Any
) -> tuple[tuple[UUID, UUID, UUID], Result]:
    tenant_id, service_id, check_id = await a_check(admin)
    slot = START_US + 10 * SECOND_US
    result = Result(
        tenant_id=tenant_id,
        service_id=service_id,
        check_id=check_id,
        slot_us=slot,
        interval_us=10 * SECOND_US,
        outcome=Outcome.UP,
        worker_id="w",
        start_us=slot + 1,
        attempt=1,
        **rest,
    )
    check = a_scheduled_check(check_id, tenant_id=tenant_id, service_id=service_id, since_us=now_us())
    await admin.execute("UPDATE shard_leases SET epoch = 1 WHERE shard = $1", check.shard)
    assert await engine_store.record([Pending(result, check, 1)]) == 1
    return (tenant_id, service_id, check_id), result


async def test_a_result_is_recorded_and_read_with_them(
    engine_store: EngineStore, store: TenantStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    told = (failed(0), replace(failed(3), index=None))
    (tenant_id, _, check_id), result = await recorded(engine_store, admin, failed_assertions=told, slow=True)

    assert await store.find_result(tenant_id, check_id, result.slot_us, on_demand=False) == result
    assert await store.find_result(tenant_id, check_id, result.slot_us, on_demand=True) is None


async def test_a_result_of_before_tells_of_none(
    engine_store: EngineStore, store: TenantStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    (tenant_id, _, check_id), result = await recorded(engine_store, admin)
    read = await store.find_result(tenant_id, check_id, result.slot_us, on_demand=False)

    assert read is not None
    assert (read.failed_assertions, read.slow) == ((), False)


async def test_a_check_that_is_not_saved_is_run_and_shown_and_nothing_is_recorded(
    store: TenantStore, prober: Prober, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    tenant_id, *_ = await a_check(admin)
    said = "t0ken-of-many-letters"
    body = b"you sent " + said.encode() + b"!" * 9_000
    async with target(answer(body)) as port:
        spec = HttpSpec(
            url=f"http://127.0.0.1:{port}/", headers=(("authorization", f"Bearer {said}"),),
            asserted=(BodyContains("you"), HeaderIs("server", "equals", "y")),
        )  # fmt: skip
        async with aclosing(
            OnDemand(store, prober).try_out(
                tenant_id,
                TryDraft(spec, CheckSettings(timeout_us=5 * SECOND_US)),
                a_guard(tenant_id),
            )
        ) as events:
            *phases, report, result = [event async for event in events]

    assert [each.phase for each in phases if isinstance(each, PhaseEnded)] == ["connect", "ttfb", "transfer"]
    assert isinstance(report, AttemptReport)
    assert (report.status_code, report.resolved_ip, report.is_cut) == (200, "127.0.0.1", True)
    assert ("server", "x/1") in report.headers
    assert report.preview.startswith("you sent [secret]!!")
    assert len(report.preview) == 4096
    assert [(each.index, each.status) for each in report.assertions] == [
        (None, AssertionStatus.PASSED), (0, AssertionStatus.PASSED), (1, AssertionStatus.FAILED),
    ]  # fmt: skip
    assert isinstance(result, Result)
    assert (result.outcome, result.error_kind) == (Outcome.DOWN, ErrorKind.ASSERTION)
    assert await admin.fetchval("SELECT count(*) FROM on_demand_results") == 0


async def test_a_check_that_could_not_be_saved_is_not_run(store: TenantStore, prober: Prober) -> None:
    draft = TryDraft(
        HttpSpec(url="http://127.0.0.1/", asserted=(BodyMatches("("),)), CheckSettings(timeout_us=SECOND_US)
    )
    with pytest.raises(InvalidArgument) as refused:
        await anext(OnDemand(store, prober).try_out(UUID(int=1), draft, a_guard(UUID(int=1))))
    assert refused.value.violations[0].field == "check.http.assertions[0].body_matches"


async def test_what_is_known_of_a_recorded_result_is_evaluated(
    engine_store: EngineStore, store: TenantStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    ids, result = await recorded(
        engine_store,
        admin,
        status_code=200,
        total_us=500,
        ttfb_us=400,
        tls_not_after_us=START_US + 86_400 * SECOND_US * 9,
    )
    wanted = (
        StatusIs((200,)), BodyContains("x"), HeaderIs("x", "exists", False), TotalTimeWithin(499, only_slow=True),
        PhaseWithin("ttfb", 400), CertificateLasts(10),
    )  # fmt: skip
    evaluation = Evaluation(store)
    found = await evaluation.of_recorded(wanted, *ids, result.slot_us, on_demand=False)

    passed, failed, unknown = AssertionStatus.PASSED, AssertionStatus.FAILED, AssertionStatus.UNKNOWN
    assert [each.status for each in found.outcomes] == [passed, unknown, unknown, failed, passed, failed]
    assert (found.outcome, found.slow) == (Outcome.DOWN, False)
    assert (await evaluation.of_recorded(wanted[:3], *ids, result.slot_us, on_demand=False)).outcome is None
    late = await evaluation.of_recorded((wanted[0], wanted[3]), *ids, result.slot_us, on_demand=False)
    assert (late.outcome, late.slow) == (Outcome.UP, True)


async def test_anothers_result_is_not_found(
    engine_store: EngineStore, store: TenantStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    (tenant_id, service_id, check_id), result = await recorded(engine_store, admin)
    other = await a_check(admin)
    evaluation = Evaluation(store)
    for ids, slot_us, reason in (
        ((other[0], service_id, check_id), result.slot_us, reasons.ERROR_REASON_CHECK_NOT_FOUND),
        ((tenant_id, other[1], check_id), result.slot_us, reasons.ERROR_REASON_CHECK_NOT_FOUND),
        ((tenant_id, service_id, check_id), result.slot_us + 1, reasons.ERROR_REASON_RESULT_NOT_FOUND),
    ):
        with pytest.raises(NotFound) as refused:
            await evaluation.of_recorded((StatusIs(),), *ids, slot_us, on_demand=False)
        assert refused.value.reason == reason


async def test_one_tenants_tries_leave_room_for_anothers(store: TenantStore, prober: Prober) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    on_demand = OnDemand(store, prober)
    async with target(silent) as port, AsyncExitStack() as stack:
        draft = TryDraft(HttpSpec(url=f"http://127.0.0.1:{port}/"), CheckSettings(timeout_us=20 * SECOND_US))

        async def begin(tenant: int) -> None:
            events = await stack.enter_async_context(
                aclosing(on_demand.try_out(UUID(int=tenant), draft, a_guard(UUID(int=tenant))))
            )
            assert isinstance(await anext(events), PhaseEnded)  # connected, and waiting for an answer

        for _ in range(8):
            await begin(1)
        with pytest.raises(ResourceExhausted):
            await begin(1)
        await begin(2)


async def test_what_asks_no_target_cannot_be_tried(store: TenantStore, prober: Prober) -> None:
    draft = TryDraft(HeartbeatSpec(), CheckSettings())
    with pytest.raises(InvalidArgument) as refused:
        await anext(OnDemand(store, prober).try_out(UUID(int=1), draft, a_guard(UUID(int=1))))
    assert refused.value.violations[0].field == "check.heartbeat"


COSTLY = (JsonPathIs("$..*..*", "exists", False),)
NESTED = b"[" * 1_000 + b"1" + b"]" * 1_000


async def test_what_may_take_long_is_judged_off_the_event_loop_and_charged(network: Network) -> None:
    cpu, tenant_id = WatchedCpu(), UUID(int=7)
    prober = Prober(network, cpu=cpu, worker_id="worker-1")
    async with target(answer(NESTED)) as port:
        costly, plain = (
            HttpSpec(url=f"http://127.0.0.1:{port}/", asserted=asserted) for asserted in (COSTLY, (BodyContains("["),))
        )
        seen = await run(prober, plain, tenant_id=tenant_id)
        assert (seen.outcome, cpu.worked) == (Outcome.UP, [])
        seen = await run(prober, costly, tenant_id=tenant_id)
    assert (verdict(seen), cpu.worked) == ((Outcome.DOWN, ErrorKind.ASSERTION), [tenant_id])
    assert seen.error_message.endswith("more than 10,000 values on the path; expected: is absent")
    assert tenant_id in cpu.budget._left
    cpu.close()


async def test_what_the_monitor_itself_waits_for_counts_neither_as_a_timeout_nor_as_the_targets_time(
    network: Network,
) -> None:
    cpu, busy = WatchedCpu(), threading.Event()
    prober = Prober(network, cpu=cpu, worker_id="worker-1")
    before = asyncio.create_task(cpu.run(UUID(int=1), busy.wait))  # somebody else's work
    asserted = (JsonPathIs("$..*..*", "exists", False), TotalTimeWithin(SECOND_US))
    async with target(answer(NESTED)) as port:
        spec = HttpSpec(url=f"http://127.0.0.1:{port}/", asserted=asserted)
        asyncio.get_running_loop().call_later(2.0, busy.set)  # longer than the timeout
        seen = await run(prober, spec, timeout_s=1, tenant_id=UUID(int=2))
    assert await before
    assert verdict(seen) == (Outcome.DOWN, ErrorKind.ASSERTION)
    assert [each.index for each in seen.failed_assertions] == [0]
    assert seen.total_us is not None
    assert seen.total_us < SECOND_US
    cpu.close()


async def test_evaluating_is_refused_to_a_tenant_that_has_spent_its_budget_and_to_no_other(store: TenantStore) -> None:
    cpu = WatchedCpu()
    evaluation = Evaluation(store, cpu)
    given = Observation(status_code=200, body=Body((), NESTED, truncated=False))
    cpu.charge(UUID(int=1), 5 * SECOND_US)
    with pytest.raises(ResourceExhausted):
        await evaluation.of_given(COSTLY, given, UUID(int=1))
    with pytest.raises(ResourceExhausted):
        await evaluation.of_recorded(COSTLY, UUID(int=1), UUID(int=1), UUID(int=1), 0, on_demand=False)
    assert cpu.worked == []
    evaluated = await evaluation.of_given(COSTLY, given, UUID(int=2))
    assert ([each.status for each in evaluated.outcomes], cpu.worked) == ([AssertionStatus.FAILED], [UUID(int=2)])
    await evaluation.of_given((BodyContains("["),), given, UUID(int=3))
    assert cpu.worked == [UUID(int=2)]  # what is quick waits for nobody
    cpu.close()


async def test_a_run_on_demand_is_refused_to_a_tenant_that_has_spent_its_budget(
    store: TenantStore, prober: Prober
) -> None:
    cpu, tenant_id = CpuQueue(), UUID(int=1)
    cpu.charge(tenant_id, 5 * SECOND_US)
    draft = TryDraft(HttpSpec(url="http://127.0.0.1:1/"), CheckSettings(timeout_us=SECOND_US))
    with pytest.raises(ResourceExhausted):
        await anext(OnDemand(store, prober, cpu).try_out(tenant_id, draft, a_guard(tenant_id)))
    cpu.close()
