"""The SQL and the tables of the simulation answer alike and hold the same after every step, whatever the steps.

So what the simulation proves of workers (tests/unit/worker/test_ownership.py) it proves of the SQL's rules.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

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

from services.checks.grid import SHARDS, anchor_us, first_slot_at_or_after, shard_of
from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.result import Result
from services.checks.specs.http import HttpSpec
from services.monitor.drafts import CheckDraft, changed_check, new_check, paused_check, resumed_check
from services.monitor.model import Check
from services.platform.clock import SECOND_US
from services.worker.lease import fair_share
from services.worker.record import Pending
from services.worker.schedule import ScheduledCheck
from tests.integration.worker.store.in_memory import InMemory
from tests.integration.worker.store.in_sql import InSql, in_sql
from tests.integration.worker.store.installation import ALL_SHARDS, Installation, Kept, all_on
from tests.integration.worker.store.scene import TTL_S
from tests.support.examples import examples
from tests.support.rows import a_report

WORKERS = st.sampled_from(["a", "b", "c", "d"])
INTERVALS = st.sampled_from([5, 10, 30]).map(lambda seconds: seconds * SECOND_US)
SPANS_S = st.sampled_from([0.5, 3.0, 9.0, TTL_S, 11.0, 47.0])
OUTCOMES = st.sampled_from([Outcome.UP, Outcome.DOWN, Outcome.DOWN, Outcome.ERROR, Outcome.MISSED])
_MOST_CHECKS = 6
_K = TypeVar("_K")
_T = TypeVar("_T")


class Lockstep(RuleBasedStateMachine):
    """The same steps on both.

    Attributes:
        checks: all that ever were, as a worker holds them: it may have heard of no change yet.
        batch: what was handed in last.
    """

    runner: asyncio.Runner
    sql: InSql

    def __init__(self) -> None:
        super().__init__()
        self.runner.run(self.sql.clear())
        self.memory = InMemory()
        self.owners: list[tuple[UUID, UUID]] = []
        self.checks: dict[UUID, ScheduledCheck] = {}
        self.batch: list[Pending] = []
        self.number = 0

    def both(self, ask: Callable[[Installation], Awaitable[_T]]) -> _T:
        """Ask both, and return what both answer."""

        async def asked(installation: Installation) -> _T:
            return await ask(installation)

        of_sql, of_memory = (self.runner.run(asked(each)) for each in (self.sql, self.memory))
        assert of_sql == of_memory
        return of_sql

    def kept(self) -> Kept:
        """What both hold."""
        return self.both(lambda each: each.kept())

    def drawn(self, data: st.DataObject, which: Callable[[Check], bool] = lambda _: True) -> Check:
        return one_of(data, {check.name: check for check in self.some(which)})

    def some(self, which: Callable[[Check], bool]) -> list[Check]:
        rows = self.runner.run(self.memory.kept()).checks.values()
        return sorted((row.check for row in rows if which(row.check)), key=lambda check: check.name)

    @initialize()
    def begin(self) -> None:
        for _ in range(2):
            tenant_id, service_id = self.runner.run(self.sql.add_tenant())
            self.owners += [(tenant_id, service_id), (tenant_id, self.runner.run(self.sql.add_service(tenant_id)))]
        self.create(self.owners[0], 10 * SECOND_US, 2)
        self.renew("a", True)

    @rule(seconds=SPANS_S)
    def time_passes(self, seconds: float) -> None:
        self.both(lambda each: each.pass_time(seconds))

    @rule(worker=WORKERS, claim_expired=st.sampled_from([True, True, False]))
    def renew(self, worker: str, claim_expired: bool) -> None:
        async def renewed(each: Installation) -> tuple[object, ...]:
            renewal = await each.store.renew(worker, TTL_S, a_report(), claim_expired=claim_expired)
            return renewal.epochs, renewal.reading.database_us, renewal.free_in_s

        self.both(renewed)

    @rule(worker=WORKERS)
    def leave(self, worker: str) -> None:
        self.both(lambda each: each.store.leave(worker))

    @rule(workers=st.lists(WORKERS, min_size=1, unique=True))
    def all_renew_until_it_is_fair(self, workers: list[str]) -> None:
        """As long as nobody else is left, a few rounds are enough."""
        for _ in range(5):
            self.time_passes(3.0)
            for worker in workers:
                self.renew(worker, True)
        held = [lease.worker_id for lease in self.kept().leases]
        assert set(held) == set(workers)
        assert all(held.count(worker) <= fair_share(len(workers)) for worker in workers)

    @rule(number=st.integers(0, 3), interval=INTERVALS, threshold=st.integers(1, 2))
    @precondition(lambda self: self.number < _MOST_CHECKS)
    def create_a_check(self, number: int, interval: int, threshold: int) -> None:
        self.create(self.owners[number], interval, threshold)

    def create(self, owner: tuple[UUID, UUID], interval: int, threshold: int) -> None:
        self.number += 1
        draft = CheckDraft(
            name=f"check {self.number}",
            spec=HttpSpec(url="http://t.test/"),
            given={"interval_us": interval, "failure_threshold": threshold},
        )
        # Its id decides its shard and its grid: the same in each run.
        check = replace(new_check(*owner, draft, self.sql.now_us), id=UUID(int=self.number << 64))
        self.both(lambda each: each.create(check))
        self.look()

    @rule()
    def look(self) -> None:
        """The workers hear of what has changed."""
        self.checks |= {held.id: held for held, _ in self.both(lambda each: all_on(each.store))}

    @rule(data=st.data(), interval=INTERVALS, recovery=st.integers(1, 3))
    @precondition(lambda self: self.some(lambda _: True))
    def change(self, data: st.DataObject, interval: int, recovery: int) -> None:
        check, now_us = self.drawn(data), self.sql.now_us
        draft = CheckDraft(
            name=check.name, spec=check.spec, given={"interval_us": interval, "recovery_threshold": recovery}
        )
        self.both(lambda each: each.change(check, lambda it: changed_check(it, "", lambda _: draft, now_us)))

    @rule(data=st.data())
    @precondition(lambda self: self.some(lambda check: check.enabled))
    def pause(self, data: st.DataObject) -> None:
        check, now_us = self.drawn(data, lambda check: check.enabled), self.sql.now_us
        self.both(lambda each: each.change(check, lambda it: paused_check(it, now_us)))

    @rule(data=st.data())
    @precondition(lambda self: self.some(lambda check: not check.enabled))
    def resume(self, data: st.DataObject) -> None:
        check, now_us = self.drawn(data, lambda check: not check.enabled), self.sql.now_us
        self.both(lambda each: each.change(check, lambda it: resumed_check(it, now_us)))

    @rule(data=st.data())
    @precondition(lambda self: len(self.some(lambda _: True)) > 1)
    def delete(self, data: st.DataObject) -> None:
        check = self.drawn(data)
        self.both(lambda each: each.delete(check))

    @rule(number=st.integers(0, 3))
    def suspend_a_tenant(self, number: int) -> None:
        self.both(lambda each: each.suspend(self.owners[number][0]))

    @rule(number=st.integers(0, 3))
    def resume_a_tenant(self, number: int) -> None:
        # A suspension has a length: nobody is suspended twice at one instant.
        self.time_passes(0.5)
        self.both(lambda each: each.resume(self.owners[number][0]))
        self.time_passes(0.5)

    @rule(number=st.integers(0, 3), of_service=st.booleans(), ago=st.integers(-40, 20), seconds=st.integers(1, 60))
    def maintain(self, number: int, of_service: bool, ago: int, seconds: int) -> None:
        tenant_id, service_id = self.owners[number]
        start_us = self.sql.now_us - ago * SECOND_US
        of = service_id if of_service else None
        self.both(lambda each: each.maintain(tenant_id, of, start_us, start_us + seconds * SECOND_US))

    @rule(data=st.data())
    @precondition(lambda self: self.failing())
    def resolve_by_hand(self, data: st.DataObject) -> None:
        check = one_of(data, {check.name: check for check in self.failing()})
        self.both(lambda each: each.resolve(check))

    def failing(self) -> list[Check]:
        rows = self.runner.run(self.memory.kept()).checks
        return self.some(lambda check: any(each.end_us is None for each in rows[check.id].incidents))

    @rule(data=st.data(), size=st.integers(1, 6))
    def record(self, data: st.DataObject, size: int) -> None:
        batch = [self.pending(data) for _ in range(size)]
        # Of one check the results come in the order of their slots.
        self.batch = sorted(batch, key=lambda each: each.result.slot_us)
        self.both(lambda each: each.store.record(self.batch))
        # The answer was lost.
        assert self.both(lambda each: each.store.record(self.batch)) == 0

    @rule(data=st.data(), outcomes=st.lists(OUTCOMES, min_size=1, max_size=5))
    def record_what_is_due(self, data: st.DataObject, outcomes: list[Outcome]) -> None:
        """The next slots of a check that is on, by who holds its shard, as it mostly is."""
        held = self.both(lambda each: all_on(each.store))
        if not held:
            return
        check, account = one_of(data, {each.id.int: (each, account) for each, account in held})
        slot_us = max(check.since_us, account.slot_us + 1)
        self.batch, interval_us = [], check.settings.interval_us
        for outcome in outcomes:
            slot_us = first_slot_at_or_after(anchor_us(check.id, interval_us), interval_us, slot_us)
            self.batch.append(self.as_pending(check, slot_us, interval_us, outcome, 1, 0))
            slot_us += 1
        assert self.both(lambda each: each.store.record(self.batch)) == len(outcomes)

    @rule()
    def record_again(self) -> None:
        """A batch comes late: by now other slots of it may count."""
        self.both(lambda each: each.store.record(self.batch))

    def pending(self, data: st.DataObject) -> Pending:
        """Whatever a worker may come to hand in, at worst: of any check, epoch and interval, from any time."""
        check = one_of(data, {check.id.int: check for check in self.checks.values()})
        interval = data.draw(st.one_of(st.just(check.settings.interval_us), INTERVALS))
        about_us = data.draw(st.sampled_from([check.since_us, self.sql.now_us, self.accounted_us(check)]))
        offset = data.draw(st.integers(-4, 4))
        slot_us = first_slot_at_or_after(anchor_us(check.id, interval), interval, about_us + offset * interval)
        outcome = data.draw(OUTCOMES)
        count = data.draw(st.integers(1, 12)) if outcome is Outcome.MISSED else 1
        return self.as_pending(check, slot_us, interval, outcome, count, data.draw(st.sampled_from([0, 0, 0, 1])))

    def accounted_us(self, check: ScheduledCheck) -> int:
        kept = self.runner.run(self.memory.kept()).checks.get(check.id)
        return self.sql.now_us if kept is None else kept.accounted_us

    def as_pending(
        self, check: ScheduledCheck, slot_us: int, interval: int, outcome: Outcome, count: int, epochs_ago: int
    ) -> Pending:
        lease = self.runner.run(self.memory.kept()).leases[shard_of(check.id)]
        is_missed, is_down = outcome is Outcome.MISSED, outcome is Outcome.DOWN
        result = Result(
            tenant_id=check.tenant_id,
            service_id=check.service_id,
            check_id=check.id,
            slot_us=slot_us,
            interval_us=interval,
            outcome=outcome,
            worker_id=lease.worker_id or "nobody",
            start_us=None if is_missed else slot_us + 1,
            error_kind=ErrorKind.CONNECT_REFUSED if is_down else None,
            error_message="refused" if is_down else "",
            missed_reason=MissedReason.NO_WORKER if is_missed else None,
            slot_count=count,
        )
        return Pending(result, replace(check), lease.epoch - epochs_ago)

    @invariant()
    def they_hold_the_same(self) -> None:
        kept = self.kept()
        for check in kept.checks.values():
            assert len(check.slots) == len(set(check.slots))
            assert check.slots == sorted(check.slots)

    @invariant()
    def they_answer_alike(self) -> None:
        keys = [(check.tenant_id, check.id) for check in self.checks.values()]
        tenants = [tenant_id for tenant_id, _ in self.owners[:2]]
        some = range(0, SHARDS, 2)
        since_us = self.sql.now_us - 20 * SECOND_US

        async def answers(each: Installation) -> list[object]:
            store = each.store
            return [
                await all_on(store),
                sorted(await store.checks_by_key(keys), key=lambda held: held[0].id),
                await store.counts(ALL_SHARDS),
                await store.counts(some),
                sorted(await store.checks_of_tenants(tenants, some)),
                sorted(await store.changed_since(since_us, ALL_SHARDS)),
                await each.heard(),
            ]

        self.both(answers)


def one_of(data: st.DataObject, some: dict[_K, _T]) -> _T:
    """Draw one by its name."""
    return some[data.draw(st.sampled_from(list(some)))]


@pytest.mark.soak
def test_the_sql_and_the_simulation_go_in_lockstep(suite_url: str) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        Lockstep.runner, Lockstep.sql = runner, runner.run(stack.enter_async_context(in_sql(suite_url)))
        try:
            run_state_machine_as_test(Lockstep, settings=examples(4, stateful_step_count=25))
        finally:
            runner.run(stack.aclose())
