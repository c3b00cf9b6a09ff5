"""Sessions against the real tables: rotation, reuse, and two who present one token at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.passwords import Passwords
from services.auth.registration import Registration
from services.auth.sessions import Sessions
from services.auth.signing import load_or_make
from services.auth.store import AuthStore
from services.common.database import Database
from services.common.errors import AlreadyExists, ResourceExhausted, Unauthenticated


class Auth:
    """The use cases on a database of the test's own."""

    def __init__(self, database: Database, folder: Path) -> None:
        store = AuthStore(database)
        self.passwords = Passwords()
        self.sessions = Sessions(store, self.passwords, load_or_make(folder))
        self.registration = Registration(store, self.passwords, self.sessions)


@pytest.fixture
async def auth(database_url: str, tmp_path: Path) -> AsyncIterator[Auth]:
    database = Database(database_url, "sentinel_auth")
    auth = Auth(database, tmp_path)
    yield auth
    auth.passwords.close()
    await database.close()


async def test_of_two_who_present_one_token_at_once_at_most_one_wins_and_the_session_ends(auth: Auth) -> None:
    made = await auth.registration.register("Acme", "acme", "a@acme.test", "correct horse", "")
    outcomes = await asyncio.gather(
        *(auth.sessions.refresh(made.tokens.refresh) for _ in range(5)), return_exceptions=True
    )
    winners = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]

    assert len(winners) == 1
    assert all(isinstance(outcome, Unauthenticated) for outcome in outcomes if outcome not in winners)
    with pytest.raises(Unauthenticated):  # one of the holders is a thief, so all begin anew
        await auth.sessions.refresh(winners[0].refresh)


async def test_two_who_register_one_slug_at_once_make_one_tenant(auth: Auth) -> None:
    outcomes = await asyncio.gather(
        *(auth.registration.register("Acme", "acme", f"{n}@acme.test", "correct horse", "") for n in range(4)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 3


@pytest.mark.parametrize("token", ["", "x", "ä", "A" * 64, "A" * 63, "=" * 64])
async def test_what_is_no_refresh_token_is_refused(auth: Auth, token: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await auth.sessions.refresh(token)
    assert refused.value.reason == reasons.ERROR_REASON_REFRESH_TOKEN_INVALID


async def test_a_flood_of_logins_is_bounded_and_the_loop_stays_free(auth: Auth) -> None:
    flood = [asyncio.create_task(auth.passwords.verify(None, "x")) for _ in range(200)]
    await asyncio.sleep(0)
    outcomes = await asyncio.gather(*flood, return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, ResourceExhausted)]
    assert len(refused) == 200 - 64
    assert all(each.reason == reasons.ERROR_REASON_OVERLOADED and each.retry_after_s > 0 for each in refused)
    assert not any(outcome is True for outcome in outcomes)
