"""What API keys look like, and that only keys which were issued are ever looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.clock import now_us
from services.platform.errors import PermissionDenied, Unauthenticated
from services.platform.ids import new_id
from services.platform.postgres.common_store import CommonStore
from services.platform.security import api_keys
from services.platform.security.api_keys import PREFIX, ApiKeyVerifier, IssuedKey, KeyFormat, hash_of
from services.platform.security.principal import Role

FORMAT = KeyFormat(b"an installation's secret")


class Keys(CommonStore):
    """Answers one key, and counts how often it is asked."""

    def __init__(self, key: str, issued: IssuedKey) -> None:
        self._known = {hash_of(key): issued}
        self.asked = 0

    async def find_api_key(self, key_hash: bytes) -> IssuedKey | None:
        """The key with this hash."""
        self.asked += 1
        return self._known.get(key_hash)


def issued(*, expire_us: int | None = None, suspend_reason: str | None = None) -> IssuedKey:
    return IssuedKey(
        tenant_id=new_id(), id=new_id(), role=Role.MEMBER, expire_us=expire_us, suspend_reason=suspend_reason
    )


def test_a_key_is_ours_alone() -> None:
    key = FORMAT.new()

    assert FORMAT.is_ours(key)
    assert key.startswith(PREFIX)
    assert len(key) == 84
    assert key != FORMAT.new()
    assert not KeyFormat(b"another installation's").is_ours(key)


@given(st.integers(0, 83), st.sampled_from("0123456789abcdefXÿ "))
def test_a_key_with_another_character_is_not_ours(position: int, letter: str) -> None:
    key = FORMAT.new()
    changed = key[:position] + letter + key[position + 1 :]

    assert FORMAT.is_ours(changed) == (changed == key)


@given(st.text(max_size=100))
def test_nothing_else_is_a_key(text: str) -> None:
    assert not FORMAT.is_ours(text)
    assert not FORMAT.is_ours(PREFIX + text)


async def test_a_known_key_is_asked_for_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    key, found = FORMAT.new(), issued()
    store = Keys(key, found)
    verifier = ApiKeyVerifier(store, FORMAT)

    principal = await verifier.verify(key)
    assert await verifier.verify(key) == principal
    assert (principal.tenant_id, principal.credential_id, principal.role) == (found.tenant_id, found.id, Role.MEMBER)
    assert principal.user_id is None
    assert store.asked == 1
    later = now_us() + 5 * 60 * 1_000_000 + 1
    monkeypatch.setattr(api_keys, "now_us", lambda: later)
    await verifier.verify(key)
    assert store.asked == 2


async def test_what_was_never_issued_costs_the_database_nothing() -> None:
    store = Keys(FORMAT.new(), issued())
    verifier = ApiKeyVerifier(store, FORMAT)

    for key in (PREFIX, PREFIX + "0" * 80, FORMAT.new()[:-1] + "g", KeyFormat(b"another").new()):
        with pytest.raises(Unauthenticated) as refused:
            await verifier.verify(key)
        assert refused.value.reason == reasons.ERROR_REASON_TOKEN_INVALID
    assert store.asked == 0


async def test_a_key_is_not_remembered_beyond_its_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    key, expire = FORMAT.new(), now_us() + 60_000_000
    verifier = ApiKeyVerifier(Keys(key, issued(expire_us=expire)), FORMAT)

    assert (await verifier.verify(key)).expire_us == expire
    monkeypatch.setattr(api_keys, "now_us", lambda: expire)
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(key)
    assert refused.value.reason == reasons.ERROR_REASON_TOKEN_EXPIRED


async def test_a_suspended_tenants_key_says_so() -> None:
    key = FORMAT.new()
    with pytest.raises(PermissionDenied, match="unpaid"):
        await ApiKeyVerifier(Keys(key, issued(suspend_reason="unpaid")), FORMAT).verify(key)
