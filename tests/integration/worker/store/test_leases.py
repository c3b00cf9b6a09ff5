"""semantics.md §5, §6: shards are shared fairly, pass from worker to worker with a new epoch, by one clock alone."""

import pytest

from services.checks.grid import SHARDS
from services.worker.lease import SHARDS_FREE, Renewal
from tests.integration.worker.store.installation import Installation
from tests.integration.worker.store.scene import TTL_S
from tests.support.rows import a_report

DEAD_S = TTL_S + 1


async def renew(installation: Installation, worker: str, *, claim_expired: bool = True) -> Renewal:
    return await installation.store.renew(worker, TTL_S, a_report(), claim_expired=claim_expired)


async def held(installation: Installation, worker: str) -> dict[int, int]:
    return (await renew(installation, worker)).epochs


async def test_who_joins_has_its_share_once_the_others_have_given_up_theirs(installation: Installation) -> None:
    assert len(await held(installation, "one")) == SHARDS
    assert await held(installation, "two") == {}

    one = await held(installation, "one")
    two = await held(installation, "two")
    assert (len(one), len(two)) == (SHARDS // 2, SHARDS // 2)
    assert not one.keys() & two.keys()
    assert set(one.values()) == {1}
    assert set(two.values()) == {2}


async def test_what_is_given_up_in_order_is_taken_at_once_with_a_new_epoch(installation: Installation) -> None:
    one = await held(installation, "one")
    await installation.store.leave("one")

    two = await held(installation, "two")
    assert two == {shard: epoch + 1 for shard, epoch in one.items()}
    assert (await installation.kept()).workers == {"two"}
    assert await held(installation, "one") == {}


async def test_who_takes_what_another_gives_up_keeps_the_epochs_of_its_own(installation: Installation) -> None:
    for worker in ("one", "two", "one"):
        await renew(installation, worker)
    two, one = await held(installation, "two"), await held(installation, "one")
    await installation.store.leave("one")

    assert await held(installation, "two") == two | {shard: epoch + 1 for shard, epoch in one.items()}


async def test_a_dead_workers_shards_are_taken_when_its_lease_has_ended_and_not_before(
    installation: Installation,
) -> None:
    one = await held(installation, "one")
    await installation.pass_time(TTL_S - 1)
    two = await renew(installation, "two")
    assert (two.epochs, two.free_in_s) == ({}, 1.0)

    await installation.pass_time(1)
    assert len(await held(installation, "two")) == SHARDS // 2  # the other has not been dead for so long
    await installation.pass_time(1)
    assert await held(installation, "two") == {shard: epoch + 1 for shard, epoch in one.items()}
    assert (await installation.kept()).workers == {"two"}
    assert await held(installation, "one") == {}


async def test_a_lease_that_has_ended_is_its_holders_until_somebody_takes_it(installation: Installation) -> None:
    one = await held(installation, "one")
    await installation.pass_time(DEAD_S)

    assert await held(installation, "one") == one


async def test_who_was_cut_off_gets_back_what_nobody_has_taken_and_takes_nothing_else(
    installation: Installation,
) -> None:
    """After an outage of the database all leases have ended; each worker goes on with its own."""
    for worker in ("one", "two", "one", "two"):
        await renew(installation, worker)
    leases = (await installation.kept()).leases
    await installation.pass_time(DEAD_S)

    for worker in ("one", "two"):
        theirs = {shard: lease.epoch for shard, lease in enumerate(leases) if lease.worker_id == worker}
        assert (await renew(installation, worker, claim_expired=False)).epochs == theirs


async def test_a_renewal_shows_the_databases_clock(installation: Installation) -> None:
    assert (await renew(installation, "one")).reading.database_us == installation.now_us
    await installation.pass_time(2.5)
    renewal = await renew(installation, "one")
    assert renewal.reading.database_us == installation.now_us
    assert renewal.reading.asked_us <= renewal.reading.answered_us


@pytest.mark.parametrize(("others", "free_in_s"), [([], None), (["two"], 7.0)])
async def test_a_renewal_shows_when_the_next_lease_of_another_ends(
    installation: Installation, others: list[str], free_in_s: float | None
) -> None:
    for worker in ("one", *others, "one", *others):
        await renew(installation, worker)
    await installation.pass_time(3)

    assert (await renew(installation, "one")).free_in_s == free_in_s


async def test_who_gives_shards_up_tells_the_others_and_who_does_not_tells_nobody(installation: Installation) -> None:
    await renew(installation, "one")
    await renew(installation, "two")
    assert await installation.heard() == []
    await renew(installation, "one")  # gives up half
    assert await installation.heard() == [(SHARDS_FREE, "one")]
    await renew(installation, "one")
    await renew(installation, "two")
    assert await installation.heard() == []
    await installation.store.leave("two")
    assert await installation.heard() == [(SHARDS_FREE, "two")]


async def test_who_claims_nothing_that_expired_takes_what_was_given_up(installation: Installation) -> None:
    """After an outage one worker may be gone for good; a worker that joins must not wait for that to be certain."""
    await renew(installation, "one")
    assert (await renew(installation, "two", claim_expired=False)).epochs == {}
    await renew(installation, "one")  # gives up half

    assert len((await renew(installation, "two", claim_expired=False)).epochs) == SHARDS // 2
