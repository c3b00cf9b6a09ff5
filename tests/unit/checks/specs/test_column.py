"""The column of a check contains its secrets encrypted only; with the key they are decrypted."""

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.specs.column import CHECK_SPECS, decrypted, masked, to_column
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import HttpAuth
from services.checks.specs.secrets import HIDDEN
from services.platform.security.secret_box import NO_KEYS, DecryptionError, SecretBox
from services.platform.security.secret_keys import SecretKeys
from tests.unit.checks.specs.test_secrets import specs

BOX = SecretBox(SecretKeys([b"k" * 32]))
ids = st.uuids()


@given(specs, ids, ids)
def test_it_comes_back_with_the_key_and_hidden_without(spec: HttpSpec, tenant: UUID, check: UUID) -> None:
    text = json.dumps(to_column(spec, tenant, check, BOX), ensure_ascii=False)

    assert not [character for character in "αβγδεζ" if character in text]
    assert decrypted("http", json.loads(text), tenant, check, BOX) == spec
    assert masked("http", json.loads(text)) == spec.hidden()


def test_without_secrets_no_key_is_asked_for() -> None:
    spec = HttpSpec(url="http://t/", headers=(("Accept", "a"),))
    column = to_column(spec, UUID(int=1), UUID(int=2), NO_KEYS)

    assert column == CHECK_SPECS.to_json(spec)
    assert decrypted("http", column, UUID(int=1), UUID(int=2), NO_KEYS) == spec


@pytest.mark.parametrize(("tenant", "check", "url"), [(3, 2, "http://t/"), (1, 3, "http://t/"), (1, 2, "http://evil/")])
def test_a_row_that_is_copied_or_pointed_elsewhere_does_not_open(tenant: int, check: int, url: str) -> None:
    spec = HttpSpec(url="http://t/", auth=HttpAuth(bearer_token="abc"))
    column = to_column(spec, UUID(int=1), UUID(int=2), BOX)
    column["http"]["url"] = url

    with pytest.raises(DecryptionError):
        decrypted("http", column, UUID(int=tenant), UUID(int=check), BOX)


def test_a_row_whose_secrets_were_taken_away_does_not_open() -> None:
    column = CHECK_SPECS.to_json(HttpSpec(url="http://t/", auth=HttpAuth(bearer_token=HIDDEN)))

    with pytest.raises(DecryptionError):
        decrypted("http", column, UUID(int=1), UUID(int=2), BOX)


def test_what_was_not_decrypted_is_never_stored_as_if_it_were_the_secret() -> None:
    with pytest.raises(ValueError, match="with its secrets"):
        to_column(HttpSpec(url="http://t/", auth=HttpAuth(bearer_token=HIDDEN)), UUID(int=1), UUID(int=2), BOX)


def test_what_a_version_before_has_sealed_still_opens() -> None:
    spec = HttpSpec(url="http://t/", auth=HttpAuth(bearer_token="abc"))
    sealed = {
        "key": "ea3f8181fe9b",
        "data": "jFNwlCKiUz2oTnZstt0tQjBNeJH0ff1X6w960sA55Qs+ZjBXaLjh0+kJYcrskDHImaA=",
    }

    assert (
        decrypted("http", CHECK_SPECS.to_json(spec.hidden()) | {"sealed": sealed}, UUID(int=1), UUID(int=2), BOX)
        == spec
    )
