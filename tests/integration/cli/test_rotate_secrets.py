"""Changing the key of secrets by command: on the right folder only, and without losing what an older key encrypted."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from cli.operator import CannotReachError, rotate_secrets
from services.checks.specs.column import decrypted, to_column
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import HttpAuth
from services.platform.configuration.settings import Settings
from services.platform.security.secret_box import SecretBox
from services.platform.security.secret_keys import SecretKeys, ensure_key, key_file
from tests.support.pooler import Pooler
from tests.support.rows import a_check

SPEC = HttpSpec(url="http://t.test/", auth=HttpAuth(bearer_token="s3cret"))
Admin = Any  # a connection as the owner of the tables


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings.of_stack({"SENTINEL_DATABASE_URL": database_url, "SENTINEL_DATA_DIR": str(tmp_path)})


async def a_sealed_check(admin: Admin, box: SecretBox) -> tuple[UUID, UUID]:
    tenant_id, _, check_id = await a_check(admin)
    column = to_column(SPEC, tenant_id, check_id, box)
    await admin.execute("UPDATE checks SET spec_message = $1 WHERE id = $2", json.dumps(column), check_id)
    return tenant_id, check_id


async def open_now(admin: Admin, ids: tuple[UUID, UUID], box: SecretBox) -> bool:
    column = json.loads(await admin.fetchval("SELECT spec_message FROM checks WHERE id = $1", ids[1]))
    return decrypted("http", column, *ids, box) == SPEC


async def test_each_time_all_is_encrypted_with_a_new_key_and_one_former_key_is_kept(
    admin: Admin, settings: Settings
) -> None:
    file = key_file(settings.data_dir)
    ensure_key(file)
    box = SecretBox(SecretKeys(file=file))
    ids = await a_sealed_check(admin, box)
    former = [file.read_text().split()[0]]
    for _ in range(3):
        assert await rotate_secrets(settings) == "Re-encrypted the secrets of 1 check with the newest key."
        assert await open_now(admin, ids, box)
        newest, before = file.read_text().split()
        assert before == former[-1]
        assert newest not in former
        former.append(newest)


async def test_with_keys_of_a_setting_no_key_is_made(admin: Admin, database_url: str, tmp_path: Path) -> None:
    old, new = b"o" * 32, b"n" * 32
    settings = Settings.of_stack(
        {
            "SENTINEL_DATABASE_URL": database_url,
            "SENTINEL_DATA_DIR": str(tmp_path),
            "SENTINEL_SECRETS_KEY": ",".join(b64encode(key).decode() for key in (new, old)),
        }
    )
    ids = await a_sealed_check(admin, SecretBox(SecretKeys([old])))
    said = await rotate_secrets(settings)

    assert said.endswith("the secrets of 1 check with the newest key.")
    assert await open_now(admin, ids, SecretBox(SecretKeys([new])))
    assert not key_file(settings.data_dir).exists()


async def test_where_there_is_no_key_none_is_made_and_nothing_is_changed(admin: Admin, settings: Settings) -> None:
    ids = await a_sealed_check(admin, SecretBox(SecretKeys([b"o" * 32])))
    before = await admin.fetchval("SELECT spec_message FROM checks WHERE id = $1", ids[1])
    with pytest.raises(CannotReachError, match="Run this on the machine of the monitor service"):
        await rotate_secrets(settings)

    assert not key_file(settings.data_dir).exists()
    assert await admin.fetchval("SELECT spec_message FROM checks WHERE id = $1", ids[1]) == before


async def test_what_no_key_decrypts_is_named_and_no_key_is_forgotten(admin: Admin, settings: Settings) -> None:
    file = key_file(settings.data_dir)
    ensure_key(file)
    ids = await a_sealed_check(admin, SecretBox(SecretKeys([b"o" * 32])))
    for _ in range(3):
        assert (await rotate_secrets(settings)).endswith(f"have to be entered again: {ids[1]}")

    assert len(file.read_text().split()) == 4


async def test_a_database_that_cannot_be_used_safely_is_refused_with_the_reason(
    database_url: str, tmp_path: Path
) -> None:
    async with Pooler(url=database_url, drops_roles=["sentinel_monitor"]).running() as url:
        settings = Settings.of_stack(
            {
                "SENTINEL_DATABASE_URL": url,
                "SENTINEL_DATA_DIR": str(tmp_path),
                "SENTINEL_SECRETS_KEY": b64encode(b"n" * 32).decode(),
            }
        )
        with pytest.raises(CannotReachError, match="SENTINEL_DATABASE_URL opens connections with the role postgres"):
            await rotate_secrets(settings)
