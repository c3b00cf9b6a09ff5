"""Tokens of heartbeats, and what becomes of signals whatever is done to their check meanwhile."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.heartbeat_token import hash_of
from services.checks.specs.heartbeat import HeartbeatSpec
from services.monitor.drafts import CheckDraft
from services.monitor.store import MonitorStore
from services.platform.clock import DAY_US, MINUTE_US
from services.platform.errors import FailedPrecondition, NotFound
from services.platform.ids import new_id
from services.platform.postgres.database import create_pool
from services.worker.heartbeats.signal_ingest import Signal
from services.worker.store import SignalIngestSql, SignalsSql
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.support.database import TestServer, patient_database
from tests.support.examples import examples

DAILY = HeartbeatSpec(DAY_US, 10 * MINUTE_US)


async def a_heartbeat(monitor: Monitor, service_id: UUID) -> tuple[UUID, str]:
    """The id and the token of a new heartbeat."""
    made = await monitor.checks.create(monitor.actor, service_id, CheckDraft(name="nightly", spec=DAILY), None)
    return made.check.id, made.heartbeat_token


async def test_only_a_hash_is_stored_and_a_repeated_request_shows_no_token(monitor: Monitor, admin: Admin) -> None:
    service_id, request_id = await monitor.service(), new_id()
    draft = CheckDraft(name="nightly", spec=DAILY)
    first = await monitor.checks.create(monitor.actor, service_id, draft, request_id)
    again = await monitor.checks.create(monitor.actor, service_id, draft, request_id)

    assert first.heartbeat_token
    assert (again.check.id, again.heartbeat_token) == (first.check.id, "")
    assert await admin.fetchval("SELECT token_hash FROM heartbeats") == hash_of(first.heartbeat_token)
    assert await admin.fetchval("SELECT string_agg(t::text, '') LIKE '%sth_%' FROM audit_log t") is False


async def test_only_a_heartbeat_of_ones_own_has_a_token_to_rotate(
    monitor: Monitor, admin: Admin, store: MonitorStore
) -> None:
    service_id = await monitor.service()
    check_id, token = await a_heartbeat(monitor, service_id)
    other = await a_monitor(admin, store)
    for who, service, check in (
        (other, service_id, check_id),
        (monitor, await monitor.service("Till"), check_id),
        (monitor, service_id, new_id()),
    ):
        with pytest.raises(NotFound) as absent:
            await who.checks.rotate_token(who.actor, service, check)
        assert absent.value.reason == reasons.ERROR_REASON_CHECK_NOT_FOUND
    with pytest.raises(FailedPrecondition) as refused:
        await monitor.checks.rotate_token(monitor.actor, service_id, await monitor.check(service_id))
    assert refused.value.reason == reasons.ERROR_REASON_NOT_A_HEARTBEAT
    assert await admin.fetchval("SELECT token_hash FROM heartbeats") == hash_of(token)


class Life(RuleBasedStateMachine):
    """A heartbeat's life beside a plain record of it."""

    server: TestServer

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.tokens: list[str] = []
        self.on = self.there = True
        self.codes: list[int | None] = []

    @initialize()
    def make(self) -> None:
        self.runner.run(self._make())

    async def _make(self) -> None:
        url = await self.server.clone()
        self.admin: Any = await asyncpg.connect(url)
        self.database = patient_database(url, "sentinel_monitor", 2)
        self.pools = [
            await create_pool(url, role, 1, times_in_us=True) for role in ("sentinel_worker", "sentinel_engine")
        ]
        self.monitor = await a_monitor(self.admin, MonitorStore(self.database))
        self.service_id = await self.monitor.service()
        self.check_id, token = await a_heartbeat(self.monitor, self.service_id)
        self.tokens.append(token)

    @rule(
        codes=st.lists(st.sampled_from([0, None, 1, 255, -(2**31), 2**32 - 1]), min_size=1, max_size=3),
        age=st.integers(0, 2),
    )
    def signals_come(self, codes: list[int | None], age: int) -> None:
        """With the present token, or one of before."""
        token_hash = hash_of(self.tokens[-1 - min(age, len(self.tokens) - 1)])
        good = self.there and token_hash == hash_of(self.tokens[-1])
        signal = Signal()
        for code in codes:
            signal.add(code)
        known = self.runner.run(SignalIngestSql(self.pools[0]).report([(token_hash, signal)]))
        assert set(known) == ({token_hash} if good else set())
        if good:
            self.codes += codes

    @precondition(lambda self: self.there)
    @rule()
    def rotate(self) -> None:
        token = self.runner.run(self.monitor.checks.rotate_token(self.monitor.actor, self.service_id, self.check_id))
        self.tokens.append(token)

    @precondition(lambda self: self.there)
    @rule(pause=st.booleans())
    def pause_or_resume(self, pause: bool) -> None:
        act = self.monitor.checks.pause if pause else self.monitor.checks.resume
        self.runner.run(act(self.monitor.actor, self.service_id, self.check_id))
        self.on = not pause

    @precondition(lambda self: self.there and len(self.codes) > 4)
    @rule()
    def delete(self) -> None:
        self.runner.run(self.monitor.checks.delete(self.monitor.actor, self.service_id, self.check_id))
        self.there = False

    @invariant()
    def the_engine_reads_what_happened(self) -> None:
        key = (self.monitor.tenant_id, self.check_id)
        reported = self.runner.run(SignalsSql(self.pools[1]).reported([key])).get(key)
        assert (reported is not None) == self.there
        if reported is None:
            return
        assert (reported.on_us is not None) == self.on
        assert (reported.signal_us is not None) == bool(self.codes)
        assert reported.exit_code == (self.codes[-1] if self.codes else None)
        assert (reported.success_us is not None) == (0 in self.codes)
        assert (reported.success_us or 0) <= (reported.signal_us or 0) <= reported.read_us
        row = self.runner.run(self.admin.fetchrow("SELECT signals, token_hash FROM heartbeats"))
        assert (row["signals"], row["token_hash"]) == (len(self.codes), hash_of(self.tokens[-1]))

    def teardown(self) -> None:
        self.runner.run(self._close())
        self.runner.close()

    async def _close(self) -> None:
        for pool in self.pools:
            await pool.close()
        await self.database.close()
        await self.admin.close()


@pytest.mark.soak
def test_signals_find_their_heartbeat_whatever_is_done_to_it(postgres: TestServer) -> None:
    Life.server = postgres
    run_state_machine_as_test(Life, settings=examples(10, stateful_step_count=15))
