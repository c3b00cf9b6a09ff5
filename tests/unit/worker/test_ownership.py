"""No slot is lost and none counted twice, for any order of joins, crashes, stops, stalls, outages and changes.

What runs here are the worker's own rooms; only the wire, the database's tables and the clocks are simulated (world.py).
"""

from collections.abc import Collection
from typing import Any
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

from services.checks.outcome import Outcome
from services.platform import clock as common_clock
from services.platform.clock import SECOND_US
from services.worker import clock as worker_clock
from services.worker.lease import RENEW_S, TTL_S, fair_share
from tests.support.examples import examples
from tests.support.simulation.database import BASE_US, Row
from tests.unit.worker.world import TENANTS, Worker, World

INTERVALS = st.sampled_from([5, 10, 30]).map(lambda seconds: seconds * SECOND_US)
SPANS = st.sampled_from([0.3, 1.0, 2.9, 5.0, 8.0, 12.0, 40.0])
# A run that was under way when its worker went, and what it had not written yet.
_UNWRITTEN_S = 3.0
# After an outage: trying again, leaving others the time of one renewal to come back, reading and starting.
_RECOVER_S = 2 * RENEW_S + 1.0
# Some questions in a row, each slow, until a tenant's checks are there again.
_READ_S = 6.0
# A worker without the notification that a tenant is resumed detects it by the number of its checks.
_FOUND_BY_COUNTING_S = 40.0
_SHARDS = (0, 7, 100, 200, 255)


class Ownership(RuleBasedStateMachine):
    """Workers, checks and faults."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.world = World()
        self.database, self.line = self.world.database, self.world.line
        self.patch.setattr(common_clock, "time", self.world)
        self.patch.setattr(worker_clock, "time", self.world)
        self.number = 0
        # When slots may be MISSED: the faults so far, as spans of true time.
        self.windows: list[list[float]] = []
        self.stopped_s = float("-inf")

    def workers(self) -> list[Worker]:
        return [each for each in self.world.workers if each.is_active and not each.stopping]

    def on(self, on: bool = True) -> list[Row]:
        return [row for row in self.database.rows.values() if (row.since_us is not None) is on]

    def fault(self, until_s: float) -> None:
        self.windows.append([self.world.now_s - _UNWRITTEN_S, until_s])

    def advance(self, seconds: float) -> None:
        """Let time pass; as long as nobody can run anything, slots may be missed."""
        if self.line.away or not self.workers():
            self.fault(self.world.now_s + seconds + _RECOVER_S)
        self.world.advance(seconds)

    @initialize(workers=st.integers(1, 3), intervals=st.lists(INTERVALS, min_size=1, max_size=4))
    def start(self, workers: int, intervals: list[int]) -> None:
        for _ in range(workers):
            self.join()
        self.advance(10)
        for interval in intervals:
            self.create(interval)

    @rule()
    @precondition(lambda self: len(self.workers()) < 4)
    def join(self) -> None:
        self.world.workers.append(Worker(self.world, self.number))
        self.number += 1

    @rule(interval=INTERVALS)
    @precondition(lambda self: len(self.database.rows) < 5)
    def create(self, interval: int) -> None:
        self.number += 1
        self.world.create(self.number, _SHARDS[self.number % len(_SHARDS)], interval)

    @rule(seconds=SPANS)
    def wait(self, seconds: float) -> None:
        self.advance(seconds)

    @rule(data=st.data())
    @precondition(lambda self: self.workers())
    def kill(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.workers())).dead = True
        self.fault(self.world.now_s + TTL_S + _RECOVER_S)

    @rule(data=st.data())
    @precondition(lambda self: self.workers())
    def stop(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.workers())).stop()
        self.stopped_s = self.world.now_s
        if self.line.away:  # its leases have to run out
            self.fault(self.world.now_s + TTL_S + _RECOVER_S)

    @rule(data=st.data())
    @precondition(lambda self: self.workers())
    def stall(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.workers())).stalled = True
        self.fault(self.world.now_s + TTL_S + _RECOVER_S)

    @rule(data=st.data())
    @precondition(lambda self: any(each.stalled for each in self.world.workers))
    def resume(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from([each for each in self.world.workers if each.stalled]))
        worker.stalled = False
        self.fault(self.world.now_s + _RECOVER_S)

    @rule(data=st.data(), step_s=st.sampled_from([-7200.0, -3.0, 3.0, 7200.0]))
    @precondition(lambda self: self.workers())
    def step_the_clock_of_a_machine(self, data: st.DataObject, step_s: float) -> None:
        data.draw(st.sampled_from(self.workers())).step_s += step_s

    @rule(how=st.sampled_from(["refusing", "silent"]))
    @precondition(lambda self: not self.line.away)
    def lose_the_database(self, how: str) -> None:
        self.line.away = how
        if self.world.now_s - self.stopped_s < 2 * RENEW_S:  # who was just about to hand over cannot
            self.fault(self.world.now_s + TTL_S + _RECOVER_S)

    @rule()
    @precondition(lambda self: self.line.away)
    def find_the_database(self) -> None:
        gone = {each.id for each in self.world.workers if each.stopping or not each.is_active}
        holds = any(lease.worker_id in gone for lease in self.database.table.leases)
        # Who does not come back now has the time of a lease to do so (semantics.md §5).
        self.fault(self.world.now_s + (TTL_S if holds else 0.0) + _RECOVER_S)
        self.line.away = ""

    @rule(answers=st.integers(1, 3), seconds=st.sampled_from([0.1, 0.4, 2.0]))
    def lose_answers(self, answers: int, seconds: float) -> None:
        """What was asked is done, but who asked does not know: it asks again."""
        self.advance(seconds)
        self.line.answers_to_lose = answers
        self.fault(self.world.now_s + _RECOVER_S)

    @rule(how=st.sampled_from(["refusing", "silent"]), seconds=st.sampled_from([4.0, 12.0, 25.0]))
    @precondition(lambda self: not self.line.away)
    def be_without_the_database(self, how: str, seconds: float) -> None:
        self.lose_the_database(how)
        self.advance(seconds)
        self.find_the_database()

    @rule(data=st.data(), interval=INTERVALS)
    @precondition(lambda self: self.on())
    def change_the_interval(self, data: st.DataObject, interval: int) -> None:
        row = data.draw(st.sampled_from(self.on()))
        self.world.change_interval(row, interval)

    @rule(data=st.data())
    @precondition(lambda self: self.on())
    def pause(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.on()))
        self.world.pause(row)

    @rule(data=st.data())
    @precondition(lambda self: self.on(False))
    def unpause(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.on(False)))
        self.world.resume(row)

    @rule(data=st.data())
    @precondition(lambda self: self.database.rows)
    def delete(self, data: st.DataObject) -> None:
        self.database.delete(data.draw(st.sampled_from(list(self.database.rows))))

    @rule(tenant_id=st.sampled_from(TENANTS))
    def suspend_a_tenant(self, tenant_id: UUID) -> None:
        self.database.suspend(tenant_id)

    @rule(tenant_id=st.sampled_from(TENANTS))
    def resume_a_tenant(self, tenant_id: UUID) -> None:
        self.database.resume(tenant_id)
        never_told = self.line.away or any(each.stalled for each in self.world.workers)
        self.fault(self.world.now_s + (_FOUND_BY_COUNTING_S if never_told else _READ_S))

    @invariant()
    def no_slot_is_counted_twice_and_none_is_missed_without_a_fault(self) -> None:
        for row in self.database.rows.values():
            slots = row.slots()
            assert len(slots) == len(set(slots)), f"{row}: counted twice"
            stray = set(slots) - row.due(self.database.now_us + 1)
            assert not stray, f"{row}: off its grid at {seconds(stray)}; now {self.world.now_s}; {row.history()}"
            for result in row.results:
                if result.outcome is Outcome.MISSED:
                    for number in range(result.slot_count):
                        slot_us = result.slot_us + number * result.interval_us
                        # Where its tenant was suspended it does not matter.
                        if not self.database.was_suspended(row, slot_us):
                            self.excused(row, slot_us, result)

    @invariant()
    def nobody_runs_or_records_what_is_anothers(self) -> None:
        assert self.database.trespasses == []

    def excused(self, row: Row, slot_us: int, result: Any) -> None:
        at_s = (slot_us - BASE_US) / SECOND_US
        assert any(start <= at_s <= end for start, end in self.windows), (
            f"{row}: slot at {at_s} missed, {result.missed_reason.name}, by {result.worker_id}; "
            f"now {self.world.now_s}; {self.windows}"
        )

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.world.close()
            self.patch.undo()

    def settle(self) -> None:
        """All is well again: every slot is accounted for, and the shards are shared."""
        if self.line.away:
            self.find_the_database()
        for worker in self.world.workers:
            worker.stalled = False
        if not self.workers():
            self.join()
        for tenant_id in TENANTS:
            self.resume_a_tenant(tenant_id)
        self.fault(self.world.now_s + _RECOVER_S)
        self.advance(TTL_S + 5 * RENEW_S)
        for row in self.on(False):
            self.world.resume(row)
        end_us = self.database.now_us
        self.advance(31)
        self.no_slot_is_counted_twice_and_none_is_missed_without_a_fault()
        for row in self.database.rows.values():
            due = {slot for slot in row.due(end_us) if not self.database.was_suspended(row, slot)}
            lost = due - set(row.slots())
            assert not lost, f"{row}: lost {seconds(lost)}; {row.history()}"
        held = [each.worker_id for each in self.database.table.leases]
        assert None not in held
        most = fair_share(len(self.workers()))
        assert all(held.count(each.id) <= most for each in self.workers())


def seconds(slots: Collection[int]) -> list[float]:
    return sorted((slot - BASE_US) / SECOND_US for slot in slots)


@pytest.mark.soak
def test_every_slot_is_accounted_for_once_in_any_order_of_events() -> None:
    run_state_machine_as_test(Ownership, settings=examples(60, stateful_step_count=30))
