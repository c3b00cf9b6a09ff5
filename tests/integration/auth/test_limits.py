"""Attempts are counted in the database, for all replicas together; what succeeds costs nothing."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.limits import Bucket
from services.platform.errors import ResourceExhausted, Unauthenticated
from services.platform.security.origin import Origin
from tests.integration.auth.conftest import HOME, PASSWORD, Auth


class Clock:
    """The time that buckets go by, which stands still until it is moved.

    Args:
        admin: the owner's connection.
    """

    def __init__(self, admin: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._admin = admin

    async def rule(self) -> None:
        """Let attempts be counted by this clock, and else as they are."""
        await self._admin.execute("CREATE TABLE hand (at timestamptz NOT NULL)")
        await self._admin.execute("INSERT INTO hand (at) VALUES (now())")
        await self._admin.execute("GRANT SELECT ON hand TO sentinel_auth")
        counting = await self._admin.fetchval("SELECT pg_get_functiondef('take_attempt'::regproc)")
        assert "clock_timestamp()" in counting
        await self._admin.execute(counting.replace("clock_timestamp()", "(SELECT at FROM public.hand)"))

    async def advance(self, seconds: float) -> None:
        await self._admin.execute("UPDATE hand SET at = at + make_interval(secs => $1)", seconds)


@pytest.fixture(autouse=True)
async def clock(database_url: str) -> AsyncIterator[Clock]:
    admin = await asyncpg.connect(database_url)
    clock = Clock(admin)
    await clock.rule()
    yield clock
    await admin.close()


def elsewhere(number: int) -> Origin:
    return Origin(f"198.51.100.{number}", "test", "")


async def guess(auth: Auth, origin: Origin, slug: str = "acme") -> str:
    with pytest.raises((Unauthenticated, ResourceExhausted)) as refused:
        await auth.log_in(origin, "wrong horse", slug)
    return reasons.ErrorReason.Name(refused.value.reason).removeprefix("ERROR_REASON_")


async def test_a_bucket_gives_so_many_at_once_and_says_when_to_come_back(auth: Auth, clock: Clock) -> None:
    bucket = Bucket(b"a", 60_000_000, 3, "address")
    taken = [await auth.store.consume_attempt([bucket]) for _ in range(4)]

    assert taken == [None, None, None, 60_000_000]
    await clock.advance(59)
    assert await auth.store.consume_attempt([bucket]) == 1_000_000
    await clock.advance(1)
    assert [await auth.store.consume_attempt([bucket]) for _ in range(2)] == [None, 60_000_000]
    await auth.store.refund_attempt([bucket])
    assert await auth.store.consume_attempt([bucket]) is None


async def test_who_comes_at_once_shares_one_count(auth: Auth) -> None:
    bucket = Bucket(b"b", 60_000_000, 5, "address")
    taken = await asyncio.gather(*(auth.store.consume_attempt([bucket]) for _ in range(12)))

    assert taken.count(None) == 5


async def test_an_attempt_is_taken_from_all_buckets_or_from_none(auth: Auth) -> None:
    empty, full = Bucket(b"empty", 60_000_000, 1, "address"), Bucket(b"full", 60_000_000, 1, "address")
    assert await auth.store.consume_attempt([empty]) is None
    assert await auth.store.consume_attempt([full, empty]) is not None
    assert await auth.store.consume_attempt([full]) is None


async def test_guesses_at_one_account_are_limited_though_each_comes_from_another_address(auth: Auth) -> None:
    await auth.register()
    outcomes = [await guess(auth, elsewhere(number)) for number in range(11)]

    assert outcomes == ["CREDENTIALS_INVALID"] * 10 + ["RATE_LIMITED"]


async def test_a_refusal_names_both_limits_whichever_is_reached(auth: Auth) -> None:
    await auth.register()
    for number in range(10):
        await guess(auth, elsewhere(number))
    with pytest.raises(ResourceExhausted) as refused:
        await auth.log_in(elsewhere(99), "wrong horse", "acme")

    assert refused.value.metadata == {"addressLimit": "30", "accountLimit": "10"}
    assert "30 at once for each address and 10 at once for each account" in refused.value.message


async def test_guesses_elsewhere_do_not_lock_the_user_out_at_a_known_address(auth: Auth) -> None:
    await auth.register()
    for number in range(11):
        await guess(auth, elsewhere(number))

    assert (await auth.log_in(HOME)).user.email == "a@acme.test"


async def test_guesses_from_one_source_are_limited_though_each_is_at_another_account(auth: Auth, clock: Clock) -> None:
    outcomes = [await guess(auth, elsewhere(1), f"team-{number}") for number in range(31)]

    assert outcomes == ["CREDENTIALS_INVALID"] * 30 + ["RATE_LIMITED"]
    assert await guess(auth, elsewhere(2), "team-0") == "CREDENTIALS_INVALID"
    await clock.advance(1)  # one a second comes back
    assert [await guess(auth, elsewhere(1), "team-31") for _ in range(2)] == ["CREDENTIALS_INVALID", "RATE_LIMITED"]


async def test_what_succeeds_costs_nothing(auth: Auth) -> None:
    await auth.register()
    for _ in range(12):
        await auth.log_in(elsewhere(1), PASSWORD)
    assert await guess(auth, elsewhere(1)) == "CREDENTIALS_INVALID"


async def test_an_unknown_account_is_limited_as_a_known_one_is(auth: Auth) -> None:
    outcomes = [await guess(auth, elsewhere(number), "nobody") for number in range(11)]

    assert outcomes[-1] == "RATE_LIMITED"


async def test_one_source_registers_only_so_often(auth: Auth) -> None:
    for _ in range(30):
        assert await auth.store.consume_attempt([auth.limits.source("register", HOME.address)]) is None
    with pytest.raises(ResourceExhausted) as refused:
        await auth.register()
    assert refused.value.reason == reasons.ERROR_REASON_RATE_LIMITED
    assert refused.value.retry_after_s == 1
    assert refused.value.metadata == {"addressLimit": "30"}
