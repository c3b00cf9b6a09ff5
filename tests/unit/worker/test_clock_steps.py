"""Steps of the database's clock (docs/adr/0034), for any steps at any time.

No slot is accounted before it is due, none is counted twice, none is lost, and no outage is invented.

What runs here are the worker's own rooms on virtual time (world.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.checks.grid import PAUSE_LIMIT_US
from services.checks.outcome import MissedReason, Outcome
from services.platform import clock as common_clock
from services.platform.clock import SECOND_US
from services.worker import clock as worker_clock
from services.worker.lease import RENEW_S, TTL_S
from tests.support.examples import examples
from tests.support.simulation.database import BASE_US, Row
from tests.unit.worker.world import Worker, World

LIMIT_S = PAUSE_LIMIT_US / SECOND_US
HOUR_S = 3600.0
INTERVALS_S = (5, 10, 30)
# Around every step a worker may be killed, stalled for longer than its lease, or joined.
FAULTS = st.sampled_from(["", "", "", "kill", "stall", "join"])
STEPS_S = st.one_of(
    st.floats(-10, 10).map(lambda step_s: round(step_s, 3)),
    st.sampled_from([-HOUR_S, -90.0, -LIMIT_S, -45.0, 45.0, 90.0, HOUR_S]),
)
WAITS_S = st.floats(0, 15).map(lambda wait_s: round(wait_s, 3))
# Two rounds of renewals, in which nobody claims after a step, and the time to read the checks.
_SETTLE_S = TTL_S + 5 * RENEW_S


@contextmanager
def a_world(workers: int) -> Iterator[World]:
    """Workers that hold some checks, on virtual time."""
    world = World()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(common_clock, "time", world)
        patch.setattr(worker_clock, "time", world)
        for number in range(workers):
            world.workers.append(Worker(world, number))
        world.advance(15)
        for number, interval_s in enumerate(INTERVALS_S):
            world.create(number, 100 * number, interval_s * SECOND_US)
        world.advance(31)
        try:
            yield world
        finally:
            world.close()


def assert_sound(world: World) -> None:
    """No slot was accounted before it was due, twice, or off its grid; no outage was invented."""
    assert world.database.premature == []
    for row in world.database.rows.values():
        slots = row.slots()
        assert len(slots) == len(set(slots)), f"{row}: counted twice"
        # What was due before a step back stays accounted.
        assert set(slots) <= row.due(max(slots, default=0) + 1), f"{row}: off its grid"
        away = [each for each in row.results if each.missed_reason is MissedReason.DATABASE_AWAY]
        assert away == [], f"{row}: an outage was invented"


def assert_complete(world: World) -> None:
    """Every slot that is due by now was accounted for."""
    end_us = world.database.now_us
    world.advance(31)
    for row in world.database.rows.values():
        lost = row.due(end_us) - set(row.slots())
        assert not lost, f"{row}: lost {sorted((slot - BASE_US) / SECOND_US for slot in lost)}"


def missed(row: Row) -> dict[int, MissedReason | None]:
    """Each slot that is MISSED, with the reason."""
    return {
        each.slot_us + number * each.interval_us: each.missed_reason
        for each in row.results
        if each.outcome is Outcome.MISSED
        for number in range(each.slot_count)
    }


@pytest.mark.soak
@given(st.integers(1, 3), st.lists(st.tuples(WAITS_S, STEPS_S, FAULTS), min_size=1, max_size=5))
@example(2, [(1.0, -5.0, ""), (3.0, 5.0, "")])
@example(2, [(1.0, HOUR_S, ""), (8.0, -HOUR_S, "")])
@example(2, [(1.0, HOUR_S, "kill"), (0.5, -HOUR_S, "")])
@examples(12)
def test_steps_account_no_slot_early_lose_none_double_none_and_invent_no_outage(
    workers: int, steps: list[tuple[float, float, str]]
) -> None:
    with a_world(workers) as world:
        number = workers
        for wait_s, step_s, fault in steps:
            world.advance(wait_s)
            active = [each for each in world.workers if each.is_active]
            if fault == "join":
                world.workers.append(Worker(world, number))
                number += 1
            elif fault == "kill" and len(active) > 1:
                active[0].dead = True
            elif fault == "stall":
                active[0].stalled = True
                world.advance(wait_s)
                active[0].stalled = False
            world.step_database_clock(step_s)
            for worker in active:
                worker.step_s += step_s  # usually it is one machine
            world.advance(0.5)
            assert_sound(world)
        world.advance(_SETTLE_S + LIMIT_S)
        assert_sound(world)
        assert_complete(world)
        assert_sound(world)


@pytest.mark.parametrize("step_s", [1.0, 3.0, 7.0, 10.0])
def test_a_step_back_pauses_the_grid_until_time_catches_up(step_s: float) -> None:
    with a_world(2) as world:
        before = {row.check.id: len(row.slots()) for row in world.database.rows.values()}
        world.step_database_clock(-step_s)
        world.advance(step_s - 0.7)
        for row in world.database.rows.values():  # what was under way may still be recorded when its slot is due
            assert len(row.slots()) - before[row.check.id] <= 1
        world.advance(60)
        assert_sound(world)
        assert_complete(world)
        assert [missed(row) for row in world.database.rows.values()] == [{}] * len(INTERVALS_S)


def test_skipped_slots_of_a_step_forward_are_missed_with_a_reason_of_their_own() -> None:
    with a_world(2) as world:
        before_us = world.database.now_us
        world.step_database_clock(HOUR_S)
        after_us = world.database.now_us
        world.advance(_SETTLE_S)
        assert_sound(world)
        assert_complete(world)
        late_us = 3 * SECOND_US  # until a worker knows
        for row in world.database.rows.values():
            skipped = {slot for slot in row.due(after_us) if slot >= before_us + late_us}
            assert skipped
            reasons = missed(row)
            assert {reasons.get(slot) for slot in skipped} == {MissedReason.CLOCK_STEP}
            assert set(reasons.values()) == {MissedReason.CLOCK_STEP}


@pytest.mark.parametrize("step_s", [-HOUR_S, -5.0, 5.0, HOUR_S])
def test_leases_survive_a_step(step_s: float) -> None:
    with a_world(3) as world:
        before = [(lease.worker_id, lease.epoch) for lease in world.database.table.leases]
        world.step_database_clock(step_s)
        world.advance(3 * TTL_S)
        assert [(lease.worker_id, lease.epoch) for lease in world.database.table.leases] == before
        assert world.database.trespasses == []


@pytest.mark.parametrize("step_s", [-HOUR_S, HOUR_S])
def test_a_dead_workers_shards_are_taken_over_after_a_step_as_soon_as_without_one(step_s: float) -> None:
    with a_world(2) as world:
        dead = world.workers[0]
        dead.dead = True
        world.step_database_clock(step_s)
        world.advance(TTL_S + 3 * RENEW_S)
        assert {lease.worker_id for lease in world.database.table.leases} == {world.workers[1].id}


def test_a_step_back_beyond_the_limit_restarts_the_grid_there() -> None:
    with a_world(2) as world:
        world.step_database_clock(-HOUR_S)
        back_us = world.database.now_us
        world.advance(_SETTLE_S)
        end_us = world.database.now_us
        world.advance(2)
        for row in world.database.rows.values():
            ran = [slot for slot in row.slots() if back_us + 10 * SECOND_US <= slot < end_us]
            assert ran or row.check.settings.interval_us > 10 * SECOND_US
        assert_sound(world)
        assert_complete(world)


def test_a_step_back_during_an_outage_makes_nothing_after_it_part_of_the_outage() -> None:
    with a_world(2) as world:
        start_us = world.database.now_us
        world.line.away = "refusing"
        world.advance(20)
        world.step_database_clock(-8)
        world.advance(5)
        end_us = world.database.now_us
        world.line.away = ""
        world.advance(_SETTLE_S)
        assert world.database.premature == []
        reasons = [(slot, reason) for row in world.database.rows.values() for slot, reason in missed(row).items()]
        away = [slot for slot, reason in reasons if reason is MissedReason.DATABASE_AWAY]
        assert away
        assert all(start_us <= slot <= end_us for slot in away)
        assert_complete(world)


def test_a_step_forward_during_an_outage_is_no_part_of_it() -> None:
    with a_world(2) as world:
        start_us = world.database.now_us
        world.line.away = "refusing"
        world.advance(20)
        before_us = world.database.now_us
        world.step_database_clock(HOUR_S)
        world.advance(5)
        end_us = world.database.now_us
        world.line.away = ""
        world.advance(_SETTLE_S)
        for row in world.database.rows.values():
            reasons = missed(row)
            # While the database was away no worker could detect when its clock was stepped.
            away = [slot for slot, reason in reasons.items() if reason is MissedReason.DATABASE_AWAY]
            assert all(start_us <= slot <= before_us + 10 * SECOND_US for slot in away)
            stepped = [slot for slot, reason in reasons.items() if reason is MissedReason.CLOCK_STEP]
            assert len(stepped) >= HOUR_S * SECOND_US // row.check.settings.interval_us - 1
            assert all(slot <= end_us + 10 * SECOND_US for slot in stepped)
        assert_complete(world)


@pytest.mark.parametrize("step_s", [-HOUR_S, -5.0, 5.0, HOUR_S])
def test_steps_of_workers_own_clocks_change_nothing(step_s: float) -> None:
    with a_world(2) as world:
        for worker in world.workers:
            worker.step_s += step_s
        world.advance(60)
        assert_sound(world)
        assert_complete(world)
        assert [missed(row) for row in world.database.rows.values()] == [{}] * len(INTERVALS_S)
