"""semantics.md §2, §5, §7: which checks of its shards a worker is to run, from where on, and what has changed."""

import pytest

from services.checks import check_changes
from services.checks.check_changes import CheckChange
from services.checks.check_settings import CheckSettings
from services.checks.grid import SHARDS
from services.checks.outcome import Outcome
from services.platform.clock import SECOND_US
from services.worker.schedule import Period, Watermark
from tests.integration.worker.store.installation import ALL_SHARDS, Installation, all_on
from tests.integration.worker.store.scene import INTERVAL_US, Scene


async def test_a_new_check_is_on_as_it_was_made_and_accounted_for_up_to_then(installation: Installation) -> None:
    made_us = installation.now_us
    scene = await Scene.of(installation, failure_threshold=3, recovery_threshold=2, retries=1, timeout_us=SECOND_US)

    ((held, account),) = await all_on(installation.store, [scene.shard])
    check = scene.check
    assert (held.tenant_id, held.service_id, held.id, held.shard) == (*scene.owner, check.id, scene.shard)
    assert (held.spec, held.target, held.since_us) == (check.spec, "t.test", made_us)
    assert held.settings == CheckSettings(
        interval_us=INTERVAL_US, timeout_us=SECOND_US, failure_threshold=3, recovery_threshold=2, retries=1
    )
    assert account == Watermark(made_us)


async def test_checks_are_found_by_their_shards_and_by_their_tenants_and_ids(installation: Installation) -> None:
    scenes = [await Scene.of(installation) for _ in range(3)]
    scenes.append(await Scene.of(installation, scenes[0].owner, "another"))
    store = installation.store

    everyone = sorted(scene.check.id for scene in scenes)
    assert [held.id for held, _ in await all_on(store)] == everyone
    for scene in scenes:
        elsewhere = [shard for shard in ALL_SHARDS if shard != scene.shard]
        here = await all_on(store, [scene.shard])
        assert scene.check.id in {held.id for held, _ in here}
        assert scene.check.id not in {held.id for held, _ in await all_on(store, elsewhere)}
        found = await store.checks_by_key([scene.key])
        assert found == [each for each in here if each[0].id == scene.check.id]
    assert len(await store.checks_by_key([scene.key for scene in scenes])) == len(scenes)
    assert await all_on(store, []) == []
    assert await store.checks_by_key([]) == []
    assert sum((await store.counts(ALL_SHARDS)).values()) == len(scenes)


async def test_a_check_is_its_tenants_alone(installation: Installation) -> None:
    one, two = await Scene.of(installation), await Scene.of(installation)

    assert await installation.store.checks_by_key([(two.check.tenant_id, one.check.id)]) == []


async def test_a_tenants_checks_are_found_on_or_off_in_the_shards_that_are_asked_for(
    installation: Installation,
) -> None:
    one, other = await Scene.of(installation), await Scene.of(installation)
    await one.pause()
    store = installation.store

    assert await store.checks_of_tenants([one.check.tenant_id], ALL_SHARDS) == [one.key]
    assert await store.checks_of_tenants([one.check.tenant_id], [(one.shard + 1) % SHARDS]) == []
    both = await store.checks_of_tenants([one.check.tenant_id, other.check.tenant_id], ALL_SHARDS)
    assert sorted(both) == sorted([one.key, other.key])
    await one.installation.delete(one.check)
    assert await store.checks_of_tenants([one.check.tenant_id], ALL_SHARDS) == []


async def test_what_was_changed_since_a_moment_is_found_with_when_that_was(installation: Installation) -> None:
    made_us = installation.now_us
    scene = await Scene.of(installation)
    store = installation.store
    assert await store.changed_since(made_us, ALL_SHARDS) == [(scene.key, made_us)]
    assert await store.changed_since(made_us + 1, ALL_SHARDS) == []
    assert await store.changed_since(made_us, [(scene.shard + 1) % SHARDS]) == []

    for change in (scene.change(retries=2), scene.pause(), scene.resume()):
        await installation.pass_time(3)
        await change
        now_us = installation.now_us
        assert await store.changed_since(now_us, ALL_SHARDS) == [(scene.key, now_us)]
    await scene.resume()  # it goes on already
    await installation.pass_time(3)
    assert await store.changed_since(installation.now_us, ALL_SHARDS) == []


async def test_of_two_changes_at_one_instant_the_second_counts_as_later(installation: Installation) -> None:
    scene = await Scene.of(installation)
    await scene.change(interval_us=2 * INTERVAL_US)
    await scene.change(interval_us=3 * INTERVAL_US)

    made_us = installation.now_us
    assert await installation.store.changed_since(0, ALL_SHARDS) == [(scene.key, made_us + 2)]
    ((held, account),) = await all_on(installation.store)
    assert (held.since_us, held.settings.interval_us) == (made_us + 2, 3 * INTERVAL_US)
    assert account == Watermark(
        made_us,
        (Period(made_us, made_us + 1, INTERVAL_US), Period(made_us + 1, made_us + 2, 2 * INTERVAL_US)),
    )


@pytest.mark.parametrize("how", ["paused", "deleted", "suspended"])
async def test_a_check_that_is_off_is_not_found_and_not_counted(installation: Installation, how: str) -> None:
    one = await Scene.of(installation)
    other = await Scene.of(installation)
    tenant_id = one.check.tenant_id
    if how == "paused":
        await one.pause()
    elif how == "deleted":
        await installation.delete(one.check)
    else:
        await installation.suspend(tenant_id)
    store = installation.store

    assert [held.id for held, _ in await all_on(store)] == [other.check.id]
    assert await store.checks_by_key([one.key]) == []
    assert await store.counts(ALL_SHARDS) == {other.shard: 1}
    if how == "suspended":
        assert await store.checks_of_tenants([tenant_id], ALL_SHARDS) == [one.key]
        await installation.resume(tenant_id)
        assert len(await all_on(store)) == 2


async def test_a_check_comes_with_the_periods_that_ended_behind_its_account(installation: Installation) -> None:
    scene = await Scene.of(installation)
    made_us = installation.now_us
    await installation.pass_time(25)
    await scene.pause()
    paused_us = installation.now_us
    await installation.pass_time(35)
    await scene.resume()
    resumed_us = installation.now_us
    await installation.pass_time(30)
    await scene.change(interval_us=5 * SECOND_US)
    changed_us = installation.now_us

    first, second = Period(made_us, paused_us, INTERVAL_US), Period(resumed_us, changed_us, INTERVAL_US)
    ((held, account),) = await all_on(installation.store)
    assert (held.since_us, held.settings.interval_us) == (changed_us, 5 * SECOND_US)
    assert account == Watermark(made_us, (first, second))

    of_second = scene.slot(0, since_us=resumed_us)
    await scene.record(scene.pending(of_second, Outcome.UP))
    ((_, account),) = await all_on(installation.store)
    assert account == Watermark(of_second, (second,))

    of_present = scene.slot(0, 5 * SECOND_US, changed_us)
    await scene.record(scene.pending(of_present, Outcome.UP, interval_us=5 * SECOND_US))
    ((_, account),) = await all_on(installation.store)
    assert account == Watermark(of_present)


async def test_a_check_comes_with_the_suspensions_that_ended_behind_its_account(installation: Installation) -> None:
    scene, other = await Scene.of(installation), await Scene.of(installation)
    made_us = installation.now_us
    spans = []
    for seconds in (3, 30):
        await installation.pass_time(seconds)
        await installation.suspend(scene.check.tenant_id)
        await installation.suspend(scene.check.tenant_id)  # it is already
        start_us = installation.now_us
        await installation.pass_time(seconds)
        await installation.resume(scene.check.tenant_id)
        await installation.resume(scene.check.tenant_id)  # it goes on already
        spans.append((start_us, installation.now_us))

    accounts = {held.id: account for held, account in await all_on(installation.store)}
    assert accounts == {scene.check.id: Watermark(made_us, (), tuple(spans)), other.check.id: Watermark(made_us)}

    between = scene.slot(0, since_us=spans[0][1] + 1)
    await scene.record(scene.pending(between, Outcome.UP))
    accounts = {held.id: account for held, account in await all_on(installation.store)}
    assert accounts[scene.check.id] == Watermark(between, (), (spans[1],))


async def test_workers_are_told_of_every_change(installation: Installation) -> None:
    """semantics.md §7."""
    scene = await Scene.of(installation)
    told = [(check_changes.CHANNEL, CheckChange(scene.shard, *scene.key).payload())]
    assert await installation.heard() == told
    for change in (scene.change(retries=1), scene.pause(), scene.resume()):
        await installation.pass_time(1)
        await change
        assert await installation.heard() == told
    await scene.resume()  # it goes on already
    await scene.change(retries=1)  # it has that already
    assert await installation.heard() == []
    await installation.delete(scene.check)
    assert await installation.heard() == told


async def test_workers_are_told_which_tenant_was_suspended_or_goes_on(installation: Installation) -> None:
    tenant_id, _ = await installation.add_tenant()
    told = [(check_changes.TENANT_CHANNEL, str(tenant_id))]
    for change in (installation.suspend, installation.resume):
        await change(tenant_id)
        assert await installation.heard() == told
        await change(tenant_id)
        assert await installation.heard() == []
