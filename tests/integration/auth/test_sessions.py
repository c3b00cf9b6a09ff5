"""Sessions against the real tables: rotation, repeats, reuse, and who comes at the same time (docs/adr/0008)."""

import asyncio

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth import sessions
from services.platform.clock import now_us
from services.platform.errors import AlreadyExists, ResourceExhausted, SentinelError, Unauthenticated
from tests.integration.auth.conftest import HOME, Auth


async def refused(auth: Auth, token: str) -> bool:
    try:
        await auth.sessions.refresh(HOME, token)
    except Unauthenticated as error:
        return error.reason == reasons.ERROR_REASON_REFRESH_TOKEN_INVALID
    return False


async def test_all_who_present_one_token_at_once_get_the_same_successor(auth: Auth) -> None:
    made = await auth.register()
    outcomes = await asyncio.gather(*(auth.sessions.refresh(HOME, made.tokens.refresh) for _ in range(5)))

    (successor,) = {outcome.refresh for outcome in outcomes}
    assert successor != made.tokens.refresh
    assert not await refused(auth, successor)


async def test_a_spent_token_whose_successor_was_used_ends_the_session(auth: Auth) -> None:
    made = await auth.register()
    second = await auth.sessions.refresh(HOME, made.tokens.refresh)
    third = await auth.sessions.refresh(HOME, second.refresh)

    assert await refused(auth, made.tokens.refresh)
    assert await refused(auth, second.refresh)
    assert await refused(auth, third.refresh)


async def test_a_token_spent_long_ago_ends_the_session(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await auth.register()
    second = await auth.sessions.refresh(HOME, made.tokens.refresh)
    later = now_us() + sessions.REPEAT_US + 1
    monkeypatch.setattr(sessions, "now_us", lambda: later)

    assert await refused(auth, made.tokens.refresh)
    assert await refused(auth, second.refresh)


async def test_a_reuse_does_not_touch_the_users_other_sessions(auth: Auth) -> None:
    made = await auth.register()
    other = await auth.log_in()
    second = await auth.sessions.refresh(HOME, made.tokens.refresh)
    await auth.sessions.refresh(HOME, second.refresh)

    assert await refused(auth, made.tokens.refresh)
    assert not await refused(auth, other.tokens.refresh)


async def test_a_session_ends_by_itself_thirty_days_behind_its_last_refresh(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await auth.register()
    later = now_us() + sessions.SESSION_LIFE_US + 1
    monkeypatch.setattr(sessions, "now_us", lambda: later)

    assert await refused(auth, made.tokens.refresh)


async def test_two_who_register_one_slug_at_once_make_one_tenant(auth: Auth) -> None:
    outcomes = await asyncio.gather(*(auth.register() for _ in range(4)), return_exceptions=True)

    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 3


@pytest.mark.parametrize("token", ["", "x", "ä", "A" * 64, "A" * 63, "=" * 64])
async def test_what_is_no_refresh_token_is_refused(auth: Auth, token: str) -> None:
    assert await refused(auth, token)


async def test_a_login_that_overtakes_a_new_password_starts_no_session(auth: Auth) -> None:
    made = await auth.register()
    with pytest.raises(Unauthenticated) as failed:
        await auth.sessions.start(HOME, made.tenant, made.user, "the hash before")
    assert failed.value.reason == reasons.ERROR_REASON_CREDENTIALS_INVALID


async def test_a_flood_of_logins_is_bounded_and_the_loop_stays_free(auth: Auth) -> None:
    flood = [asyncio.create_task(auth.passwords.verify(None, "x")) for _ in range(200)]
    await asyncio.sleep(0)
    outcomes = await asyncio.gather(*flood, return_exceptions=True)

    overloaded = [outcome for outcome in outcomes if isinstance(outcome, ResourceExhausted)]
    assert len(overloaded) == 200 - 64
    assert all(each.reason == reasons.ERROR_REASON_OVERLOADED and each.retry_after_s > 0 for each in overloaded)
    assert not any(outcome is True for outcome in outcomes)


async def test_a_suspended_tenant_gets_no_new_tokens_and_goes_on_with_the_old_ones(auth: Auth) -> None:
    made = await auth.register()
    assert await auth.tenants.suspend("acme", "unpaid")
    for attempt in (auth.sessions.refresh(HOME, made.tokens.refresh), auth.log_in()):
        with pytest.raises(SentinelError, match="unpaid") as failed:
            await attempt
        assert failed.value.reason == reasons.ERROR_REASON_TENANT_SUSPENDED
    assert not await auth.tenants.suspend("acme", "again")
    assert await auth.tenants.resume("acme")
    assert not await auth.tenants.resume("acme")
    assert not await refused(auth, made.tokens.refresh)
