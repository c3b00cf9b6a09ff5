"""semantics.md §2, §6, §12, §14: each slot counts once, for the holder of its shard, while the check is enabled."""

import asyncio
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from services.checks.failed_attempt import FailedAttempt
from services.checks.incident import Resolution
from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.result import Result
from services.checks.state import CheckState, Track
from services.platform.clock import SECOND_US, from_datetime
from tests.integration.worker.store.installation import Installation, KeptIncident
from tests.integration.worker.store.scene import INTERVAL_US, Scene
from tests.support.full_results import DETAILS

UP, DOWN, ERROR, MISSED = Outcome.UP, Outcome.DOWN, Outcome.ERROR, Outcome.MISSED


@pytest.fixture
async def scene(installation: Installation) -> Scene:
    """A check that was just made; nobody has taken its shard."""
    return await Scene.of(installation)


async def test_a_batch_is_recorded_with_what_it_makes_of_its_check(scene: Scene) -> None:
    batch = scene.batch(0, [UP, DOWN, ERROR, DOWN])

    assert await scene.record(*batch) == 4
    kept = await scene.kept()
    assert kept.results == [pending.result for pending in batch]
    assert kept.accounted_us == scene.slot(3)
    assert kept.track == Track(
        state=CheckState.DOWN,
        state_us=scene.slot(1),  # since the first failing slot
        streak=2,
        streak_outcome=DOWN,
        streak_us=scene.slot(1),
        verdict_us=scene.slot(3),
    )
    assert kept.incidents == [KeptIncident(scene.slot(1), scene.slot(3), None, None)]


async def test_a_result_is_kept_to_its_last_field(scene: Scene) -> None:
    slot_us = scene.slot(0)
    full = scene.pending(
        0,
        DOWN,
        start_us=slot_us + 12,
        **DETAILS,
        body_bytes=7,
        redirects=2,
        attempt=3,
        tls_not_after_us=from_datetime(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        resolved_ip="2001:db8::1",
        http_version="1.1",
        tls_version="1.3",
        tls_warning="the name is only in CN",
        failed_attempts=(
            FailedAttempt(ErrorKind.DNS, "DNS server failed"),
            FailedAttempt(ErrorKind.STATUS, "status 500", 500),
        ),
        skipped_attempts=1,
    )
    bare = scene.pending(1, UP, slow=True)
    range_ = scene.pending(2, MISSED, count=3, missed_reason=MissedReason.OVERLOADED)
    given = [pending.result for pending in (full, bare, range_)]
    assert [each.name for each in fields(Result) if all(getattr(one, each.name) == each.default for one in given)] == []

    assert await scene.record(full, bare, range_) == 3
    assert (await scene.kept()).results == [full.result, bare.result, range_.result]


@pytest.mark.parametrize("again", [[1], [0, 1], [2], [3], [0, 1, 2, 3]])
async def test_a_slot_that_is_accounted_for_never_counts_again(scene: Scene, again: list[int]) -> None:
    await scene.record(scene.pending(0, UP), scene.pending(1, UP), scene.pending(2, MISSED, count=2))
    before = await scene.kept()

    assert await scene.record(*(scene.pending(number, DOWN) for number in again)) == 0
    assert await scene.kept() == before
    assert await scene.record(scene.pending(3, DOWN), scene.pending(4, DOWN)) == 1


async def test_whoever_does_not_know_whether_a_batch_was_recorded_may_hand_it_in_again(scene: Scene) -> None:
    """The answer was lost."""
    batch = [*scene.batch(0, [UP, DOWN, DOWN, UP]), scene.pending(4, MISSED, count=3)]
    assert await scene.record(*batch) == 5
    before = await scene.kept()

    assert await scene.record(*batch) == 0
    assert await scene.record(*batch, scene.pending(7, UP)) == 1
    after = await scene.kept()
    assert after.results == [*before.results, scene.pending(7, UP).result]
    assert after.incidents == before.incidents


async def test_a_slot_that_a_batch_holds_twice_counts_once(scene: Scene) -> None:
    assert await scene.record(scene.pending(0, UP), scene.pending(0, DOWN), scene.pending(1, UP)) == 2
    assert await scene.recorded() == [(0, UP, 1), (1, UP, 1)]


async def test_a_result_that_is_overtaken_by_a_later_one_does_not_count(scene: Scene) -> None:
    await scene.record(scene.pending(3, UP))
    before = await scene.kept()

    assert await scene.record(scene.pending(2, DOWN)) == 0
    assert await scene.kept() == before


async def test_a_result_that_is_overtaken_by_a_range_of_missed_slots_does_not_count(scene: Scene) -> None:
    await scene.record(scene.pending(1, MISSED, count=4))

    assert await scene.record(*scene.batch(0, [UP] * 5)) == 0
    assert await scene.recorded() == [(1, MISSED, 4)]
    assert await scene.record(scene.pending(5, UP)) == 1


@pytest.mark.parametrize("first", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("count", [1, 2, 5])
async def test_of_a_range_of_missed_slots_counts_what_is_not_accounted_for(
    scene: Scene, first: int, count: int
) -> None:
    await scene.record(*scene.batch(0, [UP, UP, UP]))
    behind = [number for number in range(first, first + count) if number > 2]

    assert await scene.record(scene.pending(first, MISSED, count=count)) == min(1, len(behind))
    rest = [(behind[0], MISSED, len(behind))] if behind else []
    assert await scene.recorded() == [(0, UP, 1), (1, UP, 1), (2, UP, 1), *rest]
    assert (await scene.kept()).accounted_us == scene.slot(behind[-1] if behind else 2)


async def test_missed_slots_and_errors_neither_lengthen_nor_break_a_run(scene: Scene) -> None:
    await scene.record(scene.pending(0, DOWN), scene.pending(1, MISSED, count=3), scene.pending(4, ERROR))
    kept = await scene.kept()
    assert (kept.track.state, kept.track.streak, kept.incidents) == (CheckState.UNKNOWN, 1, [])

    await scene.record(scene.pending(5, DOWN))
    kept = await scene.kept()
    assert (kept.track.state, kept.track.state_us) == (CheckState.DOWN, scene.slot(0))
    assert kept.incidents == [KeptIncident(scene.slot(0), scene.slot(5), None, None)]


async def test_what_was_run_under_an_epoch_that_has_passed_moves_nothing(scene: Scene) -> None:
    """semantics.md §6."""
    await scene.take_over("one")
    await scene.record(scene.pending(0, UP))
    stale = [*scene.batch(1, [DOWN, DOWN]), scene.pending(3, MISSED, count=9)]
    await scene.installation.store.leave("one")
    await scene.take_over("two")
    before = await scene.kept()

    assert await scene.record(*stale) == 0
    assert await scene.kept() == before
    assert await scene.record(*stale, scene.pending(1, UP)) == 1


async def test_what_was_run_under_a_lease_that_has_ended_counts_until_somebody_takes_the_shard(scene: Scene) -> None:
    await scene.take_over("one")
    await scene.installation.pass_time(60)

    assert await scene.record(scene.pending(0, UP)) == 1
    await scene.installation.store.leave("one")
    assert await scene.record(scene.pending(1, UP)) == 1
    old = scene.pending(2, UP)
    await scene.take_over("two")
    assert await scene.record(old) == 0


async def test_a_slot_that_two_workers_ran_counts_once_for_whoever_holds_the_shard(scene: Scene) -> None:
    await scene.take_over("one")
    first = scene.pending(0, DOWN, worker_id="one")
    await scene.installation.store.leave("one")
    await scene.take_over("two")
    second = scene.pending(0, UP, worker_id="two")

    assert [await scene.record(each) for each in (first, second, first)] == [0, 1, 0]
    assert (await scene.kept()).results == [second.result]


async def test_of_two_batches_at_once_each_slot_counts_once(scene: Scene) -> None:
    one, two = scene.batch(0, [UP, DOWN, DOWN, UP]), [*scene.batch(2, [DOWN, UP]), scene.pending(4, MISSED, count=2)]
    counted = await asyncio.gather(scene.record(*one), scene.record(*two), scene.record(*one))

    kept = await scene.kept()
    assert sum(counted) == len(kept.results)
    assert len(kept.slots) == len(set(kept.slots))
    assert kept.slots[-1] == scene.slot(5)


async def test_what_was_run_before_a_period_was_known_hides_no_slot_of_it_or_before(scene: Scene) -> None:
    """The interval is changed and changed back while the worker is cut off: it ran on as if nothing were.

    Between the two changes is a period that it does not know. The worker that reads the period accounts for its slots.
    """
    knew_nothing = scene.held
    await pass_until(scene, 2)
    await scene.change(interval_us=INTERVAL_US // 2)
    await pass_until(scene, 5)
    await scene.change(interval_us=INTERVAL_US)

    ran_on = [replace(pending, check=knew_nothing) for pending in scene.batch(0, [UP] * 8)]
    missed = replace(scene.pending(8, MISSED, 2), check=knew_nothing)
    assert await scene.record(*ran_on, missed) == 2
    assert await scene.recorded() == [(0, UP, 1), (1, UP, 1)]
    ((_, account),) = await scene.installation.store.checks_by_key([scene.key])
    assert account.slot_us == scene.slot(1)
    # The first one ends behind the last accounted slot; nothing is left of it.
    assert [period.interval_us for period in account.former] == [INTERVAL_US, INTERVAL_US // 2]


async def test_only_slots_of_a_time_in_which_the_check_was_on_with_that_interval_count(scene: Scene) -> None:
    """Paused behind slot 2, resumed before slot 5, another interval from behind slot 6 on."""
    await pass_until(scene, 3)
    await scene.pause()
    await pass_until(scene, 5)
    await scene.resume()
    await pass_until(scene, 7)
    await scene.change(interval_us=2 * INTERVAL_US)

    assert await scene.record(*scene.batch(0, [UP] * 10)) == 5
    assert [number for number, _, _ in await scene.recorded()] == [0, 1, 2, 5, 6]
    present = scene.slot(0, 2 * INTERVAL_US, scene.installation.now_us)
    wider = scene.pending(present, UP, interval_us=2 * INTERVAL_US)
    assert await scene.record(wider) == 1
    assert (await scene.kept()).accounted_us == present


async def pass_until(scene: Scene, number: int) -> None:
    """Let time pass until a moment before a slot."""
    await scene.installation.pass_time((scene.slot(number) - SECOND_US - scene.installation.now_us) / SECOND_US)


async def test_a_slot_at_a_periods_begin_is_its_and_one_at_its_end_is_not(scene: Scene) -> None:
    await scene.installation.pass_time((scene.slot(2) - scene.installation.now_us) / SECOND_US)
    await scene.pause()
    await scene.installation.pass_time((scene.slot(4) - scene.installation.now_us) / SECOND_US)
    await scene.resume()

    assert await scene.record(*scene.batch(0, [UP] * 6)) == 4
    assert [number for number, _, _ in await scene.recorded()] == [0, 1, 4, 5]


async def test_a_range_of_missed_slots_is_parted_where_the_check_was_off(scene: Scene) -> None:
    """Whoever makes it may have known neither that a period was to end nor that another was to begin."""
    for pause, resume in ((2, 4), (5, 5), (7, 9)):
        await pass_until(scene, pause)
        await scene.pause()
        await pass_until(scene, resume)
        await scene.resume()
    await pass_until(scene, 10)
    await scene.change(interval_us=3 * INTERVAL_US)

    assert await scene.record(scene.pending(1, MISSED, count=20)) == 4
    assert await scene.recorded() == [(1, MISSED, 1), (4, MISSED, 1), (5, MISSED, 2), (9, MISSED, 1)]
    assert (await scene.kept()).accounted_us == scene.slot(9)
    assert await scene.record(scene.pending(0, MISSED, count=20)) == 0


async def test_a_range_of_missed_slots_goes_on_into_the_present_period_of_the_same_interval(scene: Scene) -> None:
    await pass_until(scene, 2)
    await scene.pause()
    await pass_until(scene, 4)
    await scene.resume()

    assert await scene.record(scene.pending(0, MISSED, count=8)) == 2
    assert await scene.recorded() == [(0, MISSED, 2), (4, MISSED, 4)]


async def test_what_was_under_way_when_its_check_was_paused_counts_and_opens_no_incident(scene: Scene) -> None:
    await pass_until(scene, 2)
    await scene.pause()

    assert await scene.record(*scene.batch(0, [DOWN, DOWN, DOWN])) == 2
    kept = await scene.kept()
    assert (kept.track.state, kept.incidents) == (CheckState.DOWN, [])


async def test_a_pause_ends_the_incident_and_what_was_known(scene: Scene) -> None:
    await scene.record(*scene.batch(0, [DOWN, DOWN]))
    await pass_until(scene, 2)
    paused_us = scene.installation.now_us
    await scene.pause()
    kept = await scene.kept()
    assert kept.incidents == [KeptIncident(scene.slot(0), scene.slot(1), paused_us, Resolution.CHECK_PAUSED)]
    assert kept.track.state is CheckState.DOWN

    await pass_until(scene, 4)
    await scene.resume()
    kept = await scene.kept()
    assert (kept.track, kept.accounted_us) == (Track(), scene.slot(1))
    await scene.record(scene.pending(4, DOWN))
    assert len((await scene.kept()).incidents) == 1  # no run goes on over a pause
    await scene.record(scene.pending(5, DOWN))
    assert (await scene.kept()).incidents[1:] == [KeptIncident(scene.slot(4), scene.slot(5), None, None)]


async def test_a_change_of_the_interval_leaves_what_is_known(scene: Scene) -> None:
    await scene.record(*scene.batch(0, [DOWN, DOWN]))
    before = await scene.kept()
    await pass_until(scene, 2)
    await scene.change(interval_us=2 * INTERVAL_US)

    after = await scene.kept()
    assert (after.track, after.incidents, after.accounted_us) == (before.track, before.incidents, before.accounted_us)
    assert len(after.periods) == 2


async def test_what_belongs_to_a_check_that_is_gone_is_left_out(scene: Scene) -> None:
    other = await Scene.of(scene.installation)
    await scene.installation.delete(scene.check)

    assert await scene.record(scene.pending(0, UP), other.pending(0, UP)) == 1
    assert (await other.kept()).results == [other.pending(0, UP).result]
    assert set((await scene.installation.kept()).checks) == {other.check.id}


async def test_checks_of_several_tenants_are_recorded_together_each_by_its_own(installation: Installation) -> None:
    scenes = [await Scene.of(installation) for _ in range(3)]
    scenes.append(await Scene.of(installation, scenes[0].owner, "another"))
    await scenes[0].pause()
    batch = [pending for scene in scenes for pending in scene.batch(0, [DOWN, DOWN])]

    assert await installation.store.record(batch) == 6
    for scene in scenes[1:]:
        kept = await scene.kept()
        assert kept.results == [pending.result for pending in scene.batch(0, [DOWN, DOWN])]
        assert len(kept.incidents) == 1
    assert (await scenes[0].kept()).results == []


async def test_an_incident_opens_and_is_resolved_by_the_thresholds_that_its_results_were_run_with(
    scene: Scene,
) -> None:
    scene.held = replace(scene.held, settings=replace(scene.held.settings, failure_threshold=3, recovery_threshold=2))
    await scene.record(*scene.batch(0, [DOWN, DOWN, UP, DOWN, DOWN, DOWN, UP]))
    opened = KeptIncident(scene.slot(3), scene.slot(5), None, None)
    assert (await scene.kept()).incidents == [opened]

    await scene.record(*scene.batch(7, [DOWN, UP, UP, DOWN]))
    resolved = KeptIncident(scene.slot(3), scene.slot(5), scene.slot(8), Resolution.RECOVERED)
    assert (await scene.kept()).incidents == [resolved]


async def test_in_one_batch_incidents_may_open_and_be_resolved_again_and_again(scene: Scene) -> None:
    await scene.record(*scene.batch(0, [DOWN, DOWN, UP, DOWN, DOWN, DOWN, UP, DOWN, DOWN]))

    recovered = Resolution.RECOVERED
    assert (await scene.kept()).incidents == [
        KeptIncident(scene.slot(0), scene.slot(1), scene.slot(2), recovered),
        KeptIncident(scene.slot(3), scene.slot(4), scene.slot(6), recovered),
        KeptIncident(scene.slot(7), scene.slot(8), None, None),
    ]


async def test_behind_a_resolution_by_hand_the_next_incident_begins_where_that_one_ended(scene: Scene) -> None:
    scene.held = replace(scene.held, settings=replace(scene.held.settings, recovery_threshold=3))
    await scene.record(*scene.batch(0, [DOWN, DOWN, UP, DOWN]))
    await pass_until(scene, 4)
    by_hand_us = scene.installation.now_us
    await scene.installation.resolve(scene.check)
    await scene.record(scene.pending(4, DOWN))

    first = KeptIncident(scene.slot(0), scene.slot(1), by_hand_us, Resolution.BY_HAND)
    # The run that began in slot 3 was confirmed in slot 4.
    assert (await scene.kept()).incidents == [first, KeptIncident(by_hand_us, scene.slot(4), None, None)]
    await pass_until(scene, 6)
    await scene.installation.resolve(scene.check)
    again_us = scene.installation.now_us
    await scene.record(*scene.batch(6, [DOWN, DOWN, DOWN]))  # it is the same run
    second = KeptIncident(by_hand_us, scene.slot(4), again_us, Resolution.BY_HAND)
    assert (await scene.kept()).incidents == [first, second]


@pytest.mark.parametrize("of_service", [True, False])
async def test_inside_a_window_no_run_is_lengthened_or_broken_but_slots_count(scene: Scene, of_service: bool) -> None:
    tenant_id, service_id = scene.owner
    maintain = scene.installation.maintain
    await maintain(tenant_id, service_id if of_service else None, scene.slot(1), scene.slot(4))
    other_tenant, _ = await scene.installation.add_tenant()
    await maintain(other_tenant, None, scene.slot(0), scene.slot(9))
    await maintain(tenant_id, await scene.installation.add_service(tenant_id), scene.slot(0), scene.slot(9))

    assert await scene.record(*scene.batch(0, [DOWN, DOWN, UP, DOWN])) == 4
    kept = await scene.kept()
    assert (kept.track.streak, kept.track.streak_us, kept.incidents) == (1, scene.slot(0), [])
    assert kept.accounted_us == scene.slot(3)
    await scene.record(scene.pending(4, DOWN))
    assert (await scene.kept()).incidents == [KeptIncident(scene.slot(0), scene.slot(4), None, None)]


async def test_in_whatever_order_batches_come_each_slot_counts_at_most_once(installation: Installation) -> None:
    for order in permutations(range(4)):
        scene = await Scene.of(installation)
        batches = [
            scene.batch(0, [UP, UP]),
            [scene.pending(1, MISSED, count=3)],
            scene.batch(3, [DOWN, DOWN]),
            [scene.pending(0, MISSED, count=7)],
        ]
        reached = -1
        expected: list[int] = []
        for number in order:
            batch = batches[number]
            counted = 0
            for pending in batch:
                first = (pending.result.slot_us - scene.slot(0)) // INTERVAL_US
                new = [each for each in range(first, first + pending.result.slot_count) if each > reached]
                counted += bool(new)
                reached = max([reached, *new])
                expected += new
            assert await scene.record(*batch) == counted
        assert (await scene.kept()).slots == [scene.slot(number) for number in expected]
