"""semantics.md §6: how soon shards are another's, on virtual time: at once when given up, else when the lease ends."""

from collections import Counter
from collections.abc import Iterator

import pytest

from services.checks.grid import SHARDS
from services.platform import clock as common_clock
from services.worker import clock as worker_clock
from services.worker.lease import RENEW_S, SHARDS_FREE, TTL_S
from tests.support.simulation.line import Line
from tests.unit.worker.world import Worker, World

SOON_S = 0.2


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two workers that share the shards."""
    world = World(trips_s=(0.002,))
    monkeypatch.setattr(common_clock, "time", world)
    monkeypatch.setattr(worker_clock, "time", world)
    for number in range(2):
        world.workers.append(Worker(world, number))
        world.advance(0.7)  # they renew at different times
    world.advance(3 * RENEW_S)
    yield world
    world.close()


def held(world: World) -> Counter[str | None]:
    return Counter(world.database.table.holder(shard) for shard in range(SHARDS))


@pytest.mark.parametrize("after_s", [0.1, 0.9, 1.7, 2.5])
def test_a_killed_workers_shards_are_taken_when_its_leases_end(world: World, after_s: float) -> None:
    world.advance(after_s)
    world.workers[0].dead = True
    world.advance(TTL_S + SOON_S)

    assert held(world) == {"worker-1": SHARDS}


@pytest.mark.parametrize("after_s", [0.1, 0.9, 1.7, 2.5])
def test_a_stopped_workers_shards_are_taken_at_once(world: World, after_s: float) -> None:
    world.advance(after_s)
    world.workers[0].stop()
    world.advance(SOON_S)

    assert held(world) == {"worker-1": SHARDS}


@pytest.mark.parametrize("outage_s", [2.0, 6.5, *(TTL_S + tenth / 10 for tenth in range(-40, 11)), 13.0])
def test_an_outage_of_the_database_moves_no_shard(world: World, outage_s: float) -> None:
    world.advance(1.3)
    world.workers[1].hear(SHARDS_FREE, "another")  # from now on the two renew at different times
    world.advance(0.1)
    before = [lease.epoch for lease in world.database.table.leases]
    world.line.away = "refusing"
    world.advance(outage_s)
    world.line.away = ""
    world.advance(2 * RENEW_S)

    assert [lease.epoch for lease in world.database.table.leases] == before
    assert held(world) == {"worker-0": SHARDS // 2, "worker-1": SHARDS // 2}


@pytest.mark.parametrize("late_s", [2.0, 4.0, 6.0, 8.0])
def test_who_comes_back_later_than_another_after_an_outage_finds_its_shards_untaken(
    world: World, late_s: float
) -> None:
    """Connections recover at different times; results that a worker could not write yet count under its epochs only."""
    line = Line((0.002,))
    world.workers.append(Worker(world, 2, line))
    world.advance(3 * RENEW_S)
    before = [lease.epoch for lease in world.database.table.leases]
    world.line.away = line.away = "silent"
    world.advance(2 * TTL_S)
    world.line.away = ""
    world.advance(late_s)
    line.away = ""
    world.advance(TTL_S + SOON_S)

    assert [lease.epoch for lease in world.database.table.leases] == before
    assert set(held(world)) == {"worker-0", "worker-1", "worker-2"}


def test_who_does_not_come_back_after_an_outage_loses_its_shards(world: World) -> None:
    world.line.away = "silent"
    world.workers[0].dead = True
    world.advance(2 * TTL_S)
    world.line.away = ""
    world.advance(TTL_S + 2 * RENEW_S)

    assert held(world) == {"worker-1": SHARDS}


def test_who_joins_has_its_share_once_the_others_have_renewed(world: World) -> None:
    world.workers.append(Worker(world, 2))
    world.advance(RENEW_S + SOON_S)

    shares = held(world)
    assert set(shares) == {"worker-0", "worker-1", "worker-2"}
    assert max(shares.values()) == 86
