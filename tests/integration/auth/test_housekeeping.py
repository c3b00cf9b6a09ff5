"""What time makes meaningless goes; signing keys come and go without a token that fails."""

import asyncpg
import pytest

from services.auth.housekeeping import Housekeeping
from services.auth.rotation import rotate
from services.auth.sessions import ACCESS_LIFE_US
from services.auth.signing import SETTLE_US, Keyring
from services.platform.clock import now_us
from services.platform.errors import Unauthenticated
from services.platform.security.principal import Role
from services.platform.security.tokens import TokenVerifier
from tests.integration.auth.conftest import HOME, Auth, actor_of


async def test_only_what_has_expired_goes(auth: Auth, database_url: str) -> None:
    admin = await auth.register()
    await auth.log_in()
    await auth.sessions.refresh(HOME, admin.tokens.refresh)
    for number in range(2):
        await auth.invitations.invite(actor_of(admin), f"{number}@acme.test", Role.VIEWER)
    made, _ = await auth.api_keys.create(actor_of(admin), "ci", Role.VIEWER, None)
    await auth.api_keys.delete(actor_of(admin), made.id)
    tables = ["sessions", "refresh_tokens", "invitations", "revocations", "rate_limits", "audit_log", "signing_keys"]
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE rate_limits SET empty_time = now() + interval '1 hour'")
    try:
        before = [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
        assert await auth.store.forget_expired(1_000) == 0
        for statement in (
            (
                "UPDATE sessions SET expire_time = now() - interval '2 days'"
                " WHERE id = (SELECT max(id::text)::uuid FROM sessions)"
            ),
            "UPDATE refresh_tokens SET spend_time = now() - interval '31 days' WHERE spend_time IS NOT NULL",
            "UPDATE invitations SET expire_time = now() - interval '1 second' WHERE email = '0@acme.test'",
            "UPDATE revocations SET create_time = now() - interval '2 hours'",
            "UPDATE rate_limits SET empty_time = now() - interval '1 second'",
        ):
            await connection.execute(statement)
        assert await auth.store.forget_expired(1_000) > 0
        after = [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
    finally:
        await connection.close()

    assert (before[:4], after[:4]) == ([2, 3, 2, 1], [1, 1, 1, 0])
    assert after[4] == 0
    assert after[5] == before[5]


async def test_a_rotation_fails_no_token_and_the_old_key_goes_when_its_tokens_have(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = auth.keyring.newest
    await auth.store.publish_key(old, now_us())
    admin = await auth.register()
    verifier = TokenVerifier(auth.common)
    await verifier.refresh()

    new = await rotate(auth.keyring, auth.store, revoke=False)
    now = now_us()
    assert auth.keyring.current(now) is old  # until every service has had the time to read the new one
    assert auth.keyring.current(now + SETTLE_US).kid == new.kid
    assert await auth.store.published_kids() == {old.kid, new.kid}
    signed_by_new = new.sign(admin.user, admin.user.id, now, now + ACCESS_LIFE_US)
    for token in (admin.tokens.access, signed_by_new):
        assert (await verifier.verify(token)).user_id == admin.user.id

    later = now + SETTLE_US + ACCESS_LIFE_US + 120_000_000
    monkeypatch.setattr("services.auth.store.installation.now_us", lambda: later)
    await Housekeeping(auth.store, auth.keyring).remove_expired()
    assert [key.kid for key in (*auth.keyring.former, auth.keyring.newest)] == [new.kid]


async def test_a_stolen_key_is_revoked_at_once(auth: Auth) -> None:
    stolen = auth.keyring.newest
    await auth.store.publish_key(stolen, now_us())
    admin = await auth.register()
    verifier = TokenVerifier(auth.common)
    await verifier.verify(admin.tokens.access)

    new = await rotate(auth.keyring, auth.store, revoke=True)
    await verifier.refresh()  # what the notification brings about
    with pytest.raises(Unauthenticated):
        await verifier.verify(admin.tokens.access)
    assert auth.keyring.current(now_us()).kid == new.kid
    assert not stolen.path.exists()
    fresh = await auth.sessions.refresh(HOME, admin.tokens.refresh)
    assert (await verifier.verify(fresh.access)).user_id == admin.user.id


def test_a_keyring_is_read_again_as_it_was_written(auth: Auth) -> None:
    first = auth.keyring.newest
    added = auth.keyring.add(1)
    again = Keyring(first.path.parent)

    assert [key.kid for key in (*again.former, again.newest)] == [first.kid, added.kid]
    assert added.path.stat().st_mode & 0o777 == 0o600
