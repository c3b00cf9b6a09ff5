"""Attempts are counted in the database, for all replicas together; what succeeds costs nothing."""

import asyncio

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.limits import Bucket
from services.common.errors import ResourceExhausted, Unauthenticated
from services.common.origin import Origin
from tests.integration.auth.conftest import HOME, PASSWORD, Auth


def elsewhere(number: int) -> Origin:
    return Origin(f"198.51.100.{number}", "test", "")


async def guess(auth: Auth, origin: Origin, slug: str = "acme") -> str:
    with pytest.raises((Unauthenticated, ResourceExhausted)) as refused:
        await auth.log_in(origin, "wrong horse", slug)
    return reasons.ErrorReason.Name(refused.value.reason).removeprefix("ERROR_REASON_")


async def test_a_bucket_gives_so_many_at_once_and_says_when_to_come_back(auth: Auth) -> None:
    bucket = Bucket(b"a", 60_000_000, 3)
    taken = [await auth.store.take_attempt([bucket]) for _ in range(4)]

    assert taken[:3] == [None] * 3
    assert taken[3] is not None
    assert 59_000_000 < taken[3] <= 60_000_000
    await auth.store.give_back([bucket])
    assert await auth.store.take_attempt([bucket]) is None


async def test_who_comes_at_once_shares_one_count(auth: Auth) -> None:
    bucket = Bucket(b"b", 60_000_000, 5)
    taken = await asyncio.gather(*(auth.store.take_attempt([bucket]) for _ in range(12)))

    assert taken.count(None) == 5


async def test_an_attempt_is_taken_from_all_buckets_or_from_none(auth: Auth) -> None:
    empty, full = Bucket(b"empty", 60_000_000, 1), Bucket(b"full", 60_000_000, 1)
    assert await auth.store.take_attempt([empty]) is None
    assert await auth.store.take_attempt([full, empty]) is not None
    assert await auth.store.take_attempt([full]) is None


async def test_guesses_at_one_account_are_limited_though_each_comes_from_another_address(auth: Auth) -> None:
    await auth.register()
    outcomes = [await guess(auth, elsewhere(number)) for number in range(11)]

    assert outcomes == ["CREDENTIALS_INVALID"] * 10 + ["RATE_LIMITED"]


async def test_guesses_elsewhere_do_not_lock_the_user_out_at_a_known_address(auth: Auth) -> None:
    await auth.register()
    for number in range(11):
        await guess(auth, elsewhere(number))

    assert (await auth.log_in(HOME)).user.email == "a@acme.test"


async def test_guesses_from_one_source_are_limited_though_each_is_at_another_account(auth: Auth) -> None:
    loop = asyncio.get_running_loop()
    start, guesses = loop.time(), 0
    while await guess(auth, elsewhere(1), f"team-{guesses}") == "CREDENTIALS_INVALID":
        guesses += 1

    # One a second comes back meanwhile: guessing takes its time, on a slow machine a second or more.
    assert 30 <= guesses <= 30 + (loop.time() - start)
    assert await guess(auth, elsewhere(2), "team-0") == "CREDENTIALS_INVALID"


async def test_what_succeeds_costs_nothing(auth: Auth) -> None:
    await auth.register()
    for _ in range(12):
        await auth.log_in(elsewhere(1), PASSWORD)
    assert await guess(auth, elsewhere(1)) == "CREDENTIALS_INVALID"


async def test_an_unknown_account_is_limited_as_a_known_one_is(auth: Auth) -> None:
    outcomes = [await guess(auth, elsewhere(number), "nobody") for number in range(11)]

    assert outcomes[-1] == "RATE_LIMITED"


async def test_one_source_registers_only_so_often(auth: Auth) -> None:
    for number in range(30):
        await auth.store.take_attempt([auth.limits.source("register", HOME.address)])
        assert number < 30
    with pytest.raises(ResourceExhausted) as refused:
        await auth.register()
    assert refused.value.reason == reasons.ERROR_REASON_RATE_LIMITED
    assert 0 < refused.value.retry_after_s <= 1
