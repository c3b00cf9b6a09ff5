"""A ciphertext decrypts for its owner with a configured key only; keys can change while processes run."""

import base64
import json
import os
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import FailedPrecondition
from services.platform.security.key_text import parse, spelled
from services.platform.security.secret_box import NO_KEYS, DecryptionError, Owner, SecretBox
from services.platform.security.secret_keys import SecretKeys, add_key, ensure_key, key_file, prune_keys

KEY, OTHER = b"k" * 32, b"o" * 32
BOX = SecretBox(SecretKeys([KEY]))
owners = st.builds(
    Owner,
    purpose=st.binary(max_size=10),
    entry=st.just("check"),
    tenant_id=st.uuids(),
    row_id=st.uuids(),
    audience=st.text(max_size=30),
)
secrets = st.dictionaries(st.text(max_size=10), st.text(max_size=50), max_size=4)
OWNER = Owner(
    purpose=b"tests",
    entry="check",
    tenant_id=UUID(int=1),
    row_id=UUID(int=2),
    audience="https://shop.test:443",
)


@given(owners, secrets)
def test_what_is_sealed_opens_for_its_owner(owner: Owner, values: dict[str, str]) -> None:
    sealed = json.loads(json.dumps(BOX.encrypt(owner, values)))

    assert BOX.decrypt(owner, sealed) == values
    assert SecretBox(SecretKeys([OTHER, KEY])).decrypt(owner, sealed) == values


@given(owners, owners)
def test_it_opens_for_no_other_purpose_tenant_row_or_audience(owner: Owner, other: Owner) -> None:
    sealed = BOX.encrypt(owner, {"a": "s3cret"})
    strangers = {
        replace(owner, purpose=other.purpose),
        replace(owner, tenant_id=other.tenant_id),
        replace(owner, row_id=other.row_id),
        replace(owner, audience=other.audience),
        replace(owner, tenant_id=owner.row_id, row_id=owner.tenant_id),
        other,
    } - {owner}
    for stranger in strangers:
        with pytest.raises(DecryptionError) as error:
            BOX.decrypt(stranger, sealed)
        assert "s3cret" not in str(error.value)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_found(position: int, flip: int) -> None:
    sealed = BOX.encrypt(OWNER, {"a": "s3cret"})
    data = bytearray(base64.b64decode(sealed["data"]))
    data[position % len(data)] ^= flip

    with pytest.raises(DecryptionError):
        BOX.decrypt(OWNER, {**sealed, "data": base64.b64encode(data).decode()})


@pytest.mark.parametrize("sealed", [{}, {"key": "x"}, {"key": 1, "data": None}])
@pytest.mark.parametrize("box", [BOX, NO_KEYS])
def test_what_was_never_sealed_does_not_open(sealed: dict[str, object], box: SecretBox) -> None:
    with pytest.raises(DecryptionError):
        box.decrypt(OWNER, sealed)
    with pytest.raises(DecryptionError):
        BOX.decrypt(OWNER, {"key": BOX.newest, "data": "?"})


def test_another_key_does_not_open_it_and_none_seals_nothing() -> None:
    with pytest.raises(DecryptionError):
        SecretBox(SecretKeys([OTHER])).decrypt(OWNER, BOX.encrypt(OWNER, {"a": "b"}))
    with pytest.raises(FailedPrecondition) as refused:
        NO_KEYS.encrypt(OWNER, {"a": "b"})
    assert refused.value.reason == reasons.ERROR_REASON_SECRETS_KEY_MISSING


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    assert BOX.encrypt(OWNER, {"a": "b"}) != BOX.encrypt(OWNER, {"a": "b"})


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=3))
def test_keys_are_read_as_they_are_spelled(keys: list[bytes]) -> None:
    text = spelled(keys)

    assert [*parse(text)] == keys
    assert [*parse(text.replace("+", "-").replace("/", "_").replace("=", "").replace(",", " , "))] == keys


@pytest.mark.parametrize("text", ["s3cret", base64.b64encode(b"k" * 31).decode(), "ä" * 43, "=" * 44])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="32 random bytes") as refused:
        parse(text)
    assert text not in str(refused.value)


def test_a_data_folders_first_key_is_made_once_and_ours_alone(tmp_path: Path) -> None:
    file = key_file(tmp_path)
    ensure_key(file)
    made = file.read_text()
    ensure_key(file)

    assert file.read_text() == made
    assert file.stat().st_mode & 0o777 == 0o600


def test_keys_change_under_a_running_process(tmp_path: Path) -> None:
    file = key_file(tmp_path)
    running = SecretBox(SecretKeys(file=file))
    with pytest.raises(FailedPrecondition):  # before there is a file
        running.encrypt(OWNER, {"a": "b"})
    ensure_key(file)
    before = running.encrypt(OWNER, {"a": "b"})
    add_key(file)
    elsewhere = SecretBox(SecretKeys(file=file))
    after = elsewhere.encrypt(OWNER, {"a": "b"})

    assert before["key"] != after["key"]
    assert running.decrypt(OWNER, after) == elsewhere.decrypt(OWNER, before) == {"a": "b"}
    assert running.newest == after["key"]
    add_key(file)
    prune_keys(file, 2)
    assert running.decrypt(OWNER, after) == {"a": "b"}
    assert running.newest not in {before["key"], after["key"]}
    with pytest.raises(DecryptionError):
        running.decrypt(OWNER, before)


def test_a_setting_comes_before_the_file_which_still_decrypts(tmp_path: Path) -> None:
    file = key_file(tmp_path)
    ensure_key(file)
    of_file = SecretBox(SecretKeys(file=file)).encrypt(OWNER, {"a": "b"})
    box = SecretBox(SecretKeys([KEY], file))

    assert box.newest == BOX.newest
    assert box.decrypt(OWNER, of_file) == {"a": "b"}


@pytest.mark.parametrize("content", ["garbage\n", "\xff"])
def test_a_file_that_was_broken_leaves_the_keys_as_they_were(tmp_path: Path, content: str) -> None:
    file = key_file(tmp_path)
    ensure_key(file)
    box = SecretBox(SecretKeys(file=file))
    sealed = box.encrypt(OWNER, {"a": "b"})
    file.write_bytes(content.encode("latin-1"))
    os.utime(file, ns=(1, 1))

    assert box.newest == sealed["key"]
    assert box.decrypt(OWNER, sealed) == {"a": "b"}
