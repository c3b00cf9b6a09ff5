"""docs/adr/0034: what steps of the database's clock make of leases and accounts."""

import pytest

from services.checks.grid import PAUSE_LIMIT_US, SHARDS
from services.checks.outcome import MissedReason, Outcome
from services.checks.state import CheckState
from services.platform.clock import SECOND_US
from services.worker.clock import Reading, monotonic_us
from services.worker.record import Pending, split_due
from tests.integration.worker.store.installation import ALL_SHARDS, Installation, KeptIncident
from tests.integration.worker.store.scene import INTERVAL_US, TTL_S, Scene
from tests.support.rows import a_report

UP, DOWN, MISSED = Outcome.UP, Outcome.DOWN, Outcome.MISSED
HOUR_S = 3600


async def held(installation: Installation, worker: str, ahead_us: int | None = None) -> int:
    renewal = await installation.store.renew(worker, TTL_S, a_report(), claim_expired=True, ahead_us=ahead_us)
    return len(renewal.epochs)


async def test_who_sees_a_step_forward_takes_nothing_that_only_looks_expired(installation: Installation) -> None:
    for worker in ("one", "two", "one", "two"):
        await held(installation, worker)
    ahead_us = installation.now_us - monotonic_us()
    await installation.pass_time(HOUR_S)

    assert await held(installation, "one", ahead_us) == SHARDS // 2
    assert await held(installation, "two", ahead_us) == SHARDS // 2
    assert {lease.epoch for lease in (await installation.kept()).leases} == {1, 2}


async def test_leases_and_lives_from_before_a_step_back_last_no_longer_than_new_ones(
    installation: Installation,
) -> None:
    await held(installation, "one")
    await installation.pass_time(-HOUR_S)
    assert await held(installation, "two") == 0
    await installation.pass_time(TTL_S + 1)
    assert await held(installation, "two") == SHARDS
    assert (await installation.kept()).workers == {"two"}


async def test_only_what_is_admitted_is_recorded_by_the_clock_at_that_time(installation: Installation) -> None:
    scene = await Scene.of(installation)
    await installation.pass_time((scene.slot(2) - installation.now_us) / SECOND_US)
    batch = [scene.pending(0, UP), scene.pending(1, MISSED, count=4), scene.pending(5, UP)]
    readings: list[Reading] = []

    def admit(reading: Reading) -> list[Pending]:
        readings.append(reading)
        return split_due(batch, reading.database_us)[0]

    assert await installation.store.record(batch, admit) == 2
    assert [each.database_us for each in readings] == [installation.now_us]
    kept = await scene.kept()
    assert kept.slots == [scene.slot(0), scene.slot(1), scene.slot(2)]
    assert kept.accounted_us == scene.slot(2)


async def test_the_grid_restarts_where_the_clock_was_stepped_back_to(installation: Installation) -> None:
    scene = await Scene.of(installation)
    await scene.record(scene.pending(0, UP), *scene.batch(1, [DOWN, DOWN]), scene.pending(3, MISSED, count=400))
    await installation.pass_time((scene.slot(9) - installation.now_us) / SECOND_US)

    reading = await installation.store.restart_grid(ALL_SHARDS)
    now_us = installation.now_us
    assert reading.database_us == now_us
    kept = await scene.kept()
    assert kept.accounted_us == now_us
    assert kept.slots == [scene.slot(number) for number in range(10)]
    assert kept.track.state is CheckState.DOWN

    assert await scene.record(*scene.batch(10, [UP, UP])) == 2
    assert (await scene.kept()).slots == [scene.slot(number) for number in range(12)]


async def test_no_time_lies_beyond_that_to_which_the_clock_was_stepped_back(installation: Installation) -> None:
    scene = await Scene.of(installation)
    first_us = installation.now_us
    await installation.pass_time(HOUR_S)
    later = scene.slot(0, since_us=installation.now_us)
    await scene.record(*(scene.pending(later + number * INTERVAL_US, DOWN) for number in range(3)))
    await installation.pass_time(-HOUR_S + 30)
    now_us = installation.now_us
    assert now_us > first_us

    await installation.store.restart_grid(ALL_SHARDS)
    kept = await scene.kept()
    assert kept.results == []
    assert (kept.track.state_us, kept.track.streak_us, kept.track.verdict_us) == (now_us, now_us, now_us)
    assert kept.incidents == [KeptIncident(now_us, now_us, None, None)]


async def test_an_account_that_is_little_ahead_waits_until_time_catches_up(installation: Installation) -> None:
    scene = await Scene.of(installation)
    await scene.record(scene.pending(0, UP), scene.pending(1, UP))
    before = await scene.kept()
    await installation.pass_time((before.accounted_us - PAUSE_LIMIT_US - installation.now_us) / SECOND_US)

    await installation.store.restart_grid(ALL_SHARDS)
    assert await scene.kept() == before


@pytest.mark.parametrize("held_before", [False, True])
async def test_a_range_is_cut_where_it_is_due_no_longer(installation: Installation, held_before: bool) -> None:
    scene = await Scene.of(installation)
    range_ = scene.pending(0, MISSED, count=5)
    due, early = split_due([range_], scene.slot(1), [scene.check.id] if held_before else [])
    counts = [(each.result.slot_us, each.result.slot_count, each.result.missed_reason) for each in (*due, *early)]
    if held_before:
        assert counts == [(scene.slot(0), 5, MissedReason.CLOCK_STEP)]
    else:
        assert counts == [
            (scene.slot(0), 2, MissedReason.NO_WORKER),
            (scene.slot(2), 3, MissedReason.CLOCK_STEP),
        ]
