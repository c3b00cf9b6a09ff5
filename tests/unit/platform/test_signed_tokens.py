"""Page tokens and cursors cannot be forged, and are valid for one tenant, scope and purpose only."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.security.signed_tokens import InvalidTokenError, TokenSigner

KEY = b"k" * 32
tenants = st.uuids()


@given(tenants, st.text(max_size=20), st.binary(max_size=40))
def test_what_was_sealed_opens_again(tenant: UUID, scope: str, payload: bytes) -> None:
    signer = TokenSigner(KEY, "page")

    assert signer.verify(tenant, scope, signer.sign(tenant, scope, payload)) == payload


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_changed_token_does_not_open(payload: bytes, data: st.DataObject) -> None:
    signer, tenant = TokenSigner(KEY, "page"), UUID(int=1)
    token = signer.sign(tenant, "services", payload)
    at = data.draw(st.integers(0, len(token) - 2))  # the last character carries padding bits
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    changed = token[:at] + other + token[at + 1 :]

    if changed != token:
        with pytest.raises(InvalidTokenError):
            signer.verify(tenant, "services", changed)


@pytest.mark.parametrize(
    ("key", "purpose", "tenant", "scope"),
    [
        (b"x" * 32, "page", UUID(int=1), "services"),
        (KEY, "cursor", UUID(int=1), "services"),
        (KEY, "page", UUID(int=2), "services"),
        (KEY, "page", UUID(int=1), "checks"),
    ],
)
def test_a_token_fits_no_other_key_purpose_tenant_or_scope(key: bytes, purpose: str, tenant: UUID, scope: str) -> None:
    token = TokenSigner(KEY, "page").sign(UUID(int=1), "services", b"payload")

    with pytest.raises(InvalidTokenError):
        TokenSigner(key, purpose).verify(tenant, scope, token)


@given(st.text(max_size=60))
def test_nonsense_is_refused_and_never_raises_anything_else(token: str) -> None:
    with pytest.raises(InvalidTokenError):
        TokenSigner(KEY, "page").verify(UUID(int=1), "services", token)
