"""architecture.md § Trust: access tokens are ours, current, and meant for us, or they are refused."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.model import User
from services.auth.signing import Keyring, SigningKey
from services.auth.store import AuthStore
from services.platform.clock import SECOND_US, now_us
from services.platform.errors import Unauthenticated
from services.platform.ids import new_id
from services.platform.postgres.common_store import CommonStore
from services.platform.postgres.database import Database, create_pool
from services.platform.security.principal import Role
from services.platform.security.tokens import TokenVerifier
from tests.support.database import patient_database

USER = User(
    tenant_id=new_id(), id=new_id(), email="a@acme.test", display_name="", role=Role.MEMBER, create_us=0, update_us=0
)
SESSION = new_id()


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return Keyring(tmp_path).newest


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = patient_database(database_url, "sentinel_auth")
    yield database
    await database.close()


@pytest.fixture
async def verifier(database: Database, database_url: str, key: SigningKey) -> TokenVerifier:
    pool = await create_pool(database_url, "sentinel_auth", 1)  # opens no connection
    await AuthStore(database, pool).publish_key(key, now_us())
    return TokenVerifier(CommonStore(database))


def test_the_key_is_made_once_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    made, loaded = Keyring(tmp_path).newest, Keyring(tmp_path).newest

    assert made.kid == loaded.kid
    assert (tmp_path / "signing.pem").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["signing.pem"]


async def test_our_token_says_who_is_calling(verifier: TokenVerifier, key: SigningKey) -> None:
    expire = now_us() + 60 * SECOND_US
    token = key.sign(USER, SESSION, now_us(), expire)

    for _ in range(2):  # verified, then remembered
        principal = await verifier.verify(token)
        assert (principal.tenant_id, principal.user_id, principal.role) == (USER.tenant_id, USER.id, Role.MEMBER)
        assert principal.credential_id == SESSION


async def test_the_first_tokens_of_a_new_process_are_verified_however_many_come_at_once(
    verifier: TokenVerifier, key: SigningKey
) -> None:
    users = [
        User(tenant_id=new_id(), id=new_id(), email="", display_name="", role=Role.ADMIN, create_us=0, update_us=0)
        for _ in range(20)
    ]
    tokens = [key.sign(user, SESSION, now_us(), now_us() + 60 * SECOND_US) for user in users]

    principals = await asyncio.gather(*(verifier.verify(token) for token in tokens))
    assert [principal.user_id for principal in principals] == [user.id for user in users]


async def test_an_expired_token_is_refused_also_when_it_was_remembered(
    verifier: TokenVerifier, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = key.sign(USER, SESSION, now_us() - 3600 * SECOND_US, now_us() - 10 * SECOND_US)
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(old)
    assert refused.value.reason == reasons.ERROR_REASON_TOKEN_EXPIRED

    token = key.sign(USER, SESSION, now_us(), now_us() + 60 * SECOND_US)
    await verifier.verify(token)
    later = now_us() / SECOND_US + 120
    monkeypatch.setattr("services.platform.security.tokens.time.time", lambda: later)
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token)
    assert refused.value.reason == reasons.ERROR_REASON_TOKEN_EXPIRED


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody"}, {"aud": "somebody"}, {"sub": None}, {"tid": "not-a-uuid"}, {"role": "root"}, {"role": 3},
        {"sid": None}, {"exp": None}, {"exp": "soon"}, {"iat": 4_000_000_000}, {"nbf": 4_000_000_000},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_of_our_key_with_wrong_claims_is_refused(
    verifier: TokenVerifier, key: SigningKey, tmp_path: Path, change: dict[str, Any]
) -> None:
    good = key.sign(USER, SESSION, now_us(), now_us() + 60 * SECOND_US)
    claims = {**jwt.decode(good, options={"verify_signature": False}), **change}
    private = load_pem_private_key((tmp_path / "signing.pem").read_bytes(), None)
    token = jwt.encode(
        {name: value for name, value in claims.items() if value is not None},
        private,  # type: ignore[arg-type] # it is an Ed25519 key
        algorithm="EdDSA",
        headers={"kid": key.kid},
    )
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token)
    assert refused.value.reason == reasons.ERROR_REASON_TOKEN_INVALID
