"""Secrets of checks: written once, shown never, encrypted in the database, and encrypted anew when the key changes."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from sentinel.monitor.v1 import check_pb2
from sentinel.monitor.v1 import monitor_service_pb2 as pb
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.specs.column import CHECK_SPECS, decrypted
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import BasicAuth, HttpAuth
from services.checks.specs.secrets import HIDDEN
from services.monitor import secret_reencryption
from services.monitor.messages import check_draft, check_message
from services.monitor.secret_reencryption import reencrypt_all
from services.monitor.store import MonitorStore
from services.monitor.updates import Updates
from services.platform.errors import FailedPrecondition, InvalidArgument
from services.platform.ids import new_id
from services.platform.postgres.database import Database
from services.platform.security.secret_box import NO_KEYS, SecretBox
from services.platform.security.secret_keys import SecretKeys
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.support.database import patient_database
from tests.support.rows import a_check, spec_column

OLD, NEW = b"o" * 32, b"n" * 32
AUTHORIZATION = "Bearer s3cret-of-a-header"
PASSWORD = "s3cret-password"
HTTP = {
    "url": "https://shop.test/a",
    "headers": {"Authorization": AUTHORIZATION, "Accept": "text/plain", "X-Shop": "s3cret-of-a-shop"},
    "secretHeaders": ["X-Shop"],
}


def box(*keys: bytes) -> SecretBox:
    return SecretBox(SecretKeys(keys))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = patient_database(database_url, "sentinel_monitor")
    yield database
    await database.close()


@pytest.fixture
async def keeper(admin: Admin, database: Database) -> Monitor:
    """Monitor for one tenant, with a key."""
    return await a_monitor(admin, MonitorStore(database, box(OLD)))


def with_box(monitor: Monitor, database: Database, new: SecretBox) -> Monitor:
    """The same, started again with other keys."""
    return Monitor(MonitorStore(database, new), monitor.actor)


async def make(monitor: Monitor, http: dict[str, Any], request_id: UUID | None = None) -> tuple[UUID, UUID]:
    """A service and a new check."""
    service_id = await monitor.service(f"s-{new_id()}")
    draft = check_draft(ParseDict({"name": "home", "http": http}, check_pb2.Check()))
    made = await monitor.checks.create(monitor.actor, service_id, draft, request_id)
    return service_id, made.check.id


async def update(monitor: Monitor, ids: tuple[UUID, UUID], check: dict[str, Any], *paths: str) -> dict[str, Any]:
    """The check as an update answers it."""
    request = ParseDict({"check": check}, pb.UpdateCheckRequest())
    request.update_mask.paths.extend(paths)
    changed = await monitor.checks.update(monitor.actor, *ids, "", Updates().of_check(request))
    return MessageToDict(check_message(changed))


async def shown(monitor: Monitor, ids: tuple[UUID, UUID]) -> dict[str, Any]:
    """The check as it is read."""
    return MessageToDict(check_message(await monitor.checks.get(monitor.tenant_id, *ids)))


async def stored(admin: Admin, monitor: Monitor, ids: tuple[UUID, UUID], *keys: bytes) -> HttpSpec:
    """What the worker will see."""
    column = json.loads(await admin.fetchval("SELECT spec_message FROM checks WHERE id = $1", ids[1]))
    spec = decrypted("http", column, monitor.tenant_id, ids[1], box(*keys))
    assert isinstance(spec, HttpSpec)
    return spec


async def everything(admin: Admin) -> str:
    """All that the database has of checks and of what was done to them."""
    tables = [await admin.fetch(f"SELECT * FROM {table}") for table in ("checks", "audit_log")]
    return str([[tuple(row) for row in rows] for rows in tables])


async def test_no_secret_is_in_an_answer_the_audit_log_or_the_database(keeper: Monitor, admin: Admin) -> None:
    ids = await make(keeper, HTTP)
    (listed,) = (await keeper.checks.list(keeper.tenant_id, ids[0], 10, "")).items

    hidden = {"Authorization": HIDDEN, "Accept": "text/plain", "X-Shop": HIDDEN}
    for check in (await shown(keeper, ids), MessageToDict(check_message(listed))):
        assert check["http"]["headers"] == hidden
    assert "s3cret" not in await everything(admin)
    assert dict((await stored(admin, keeper, ids, OLD)).headers) == HTTP["headers"]


async def test_a_repeated_request_shows_no_secret_and_neither_does_the_first(keeper: Monitor) -> None:
    service_id, request_id = await keeper.service(), new_id()
    draft = check_draft(ParseDict({"name": "home", "http": HTTP}, check_pb2.Check()))
    answers = [await keeper.checks.create(keeper.actor, service_id, draft, request_id) for _ in range(2)]

    assert answers[0].check.id == answers[1].check.id
    assert "s3cret" not in str([check_message(answer) for answer in answers])


@pytest.mark.parametrize("paths", [(), ("http",), ("http.headers", "http.secret_headers"), ("*",)])
async def test_what_was_read_and_is_written_back_keeps_the_secrets(
    keeper: Monitor, admin: Admin, paths: tuple[str, ...]
) -> None:
    ids = await make(keeper, HTTP)
    read = await shown(keeper, ids)
    answered = await update(keeper, ids, {"name": "renamed", "http": {**read["http"], "bodyContains": "ok"}}, *paths)

    assert "s3cret" not in str(answered)
    assert dict((await stored(admin, keeper, ids, OLD)).headers) == HTTP["headers"]
    assert "s3cret" not in await everything(admin)


async def test_writing_back_what_is_there_changes_nothing(keeper: Monitor, admin: Admin) -> None:
    ids = await make(keeper, HTTP)
    before = await admin.fetchrow("SELECT spec_message, update_time FROM checks")
    await update(keeper, ids, {"http": (await shown(keeper, ids))["http"]}, "http")

    assert await admin.fetchrow("SELECT spec_message, update_time FROM checks") == before


async def test_a_new_secret_replaces_one_and_another_stays(keeper: Monitor, admin: Admin) -> None:
    ids = await make(keeper, HTTP)
    await update(keeper, ids, {"http": {"headers": {"Authorization": HIDDEN, "X-Shop": "s3cret-2"}}}, "http.headers")

    assert dict((await stored(admin, keeper, ids, OLD)).headers) == {
        "Authorization": AUTHORIZATION,
        "X-Shop": "s3cret-2",
    }


async def test_a_secret_that_is_not_there_cannot_be_kept(keeper: Monitor) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await make(keeper, {"url": "https://t.test/", "bearerToken": HIDDEN})
    assert refused.value.reason == reasons.ERROR_REASON_SECRET_NOT_STORED
    ids = await make(keeper, {"url": "https://t.test/"})
    with pytest.raises(InvalidArgument) as refused:
        await update(keeper, ids, {"http": {"basicAuth": {"username": "a", "password": HIDDEN}}})
    assert [each.field for each in refused.value.violations] == ["check.http.basic_auth.password"]


@pytest.mark.parametrize("url", ["https://evil.test/a", "http://shop.test/a", "https://shop.test:444/a"])
async def test_secrets_do_not_follow_the_check_to_another_origin(keeper: Monitor, admin: Admin, url: str) -> None:
    ids = await make(keeper, HTTP)
    with pytest.raises(InvalidArgument) as refused:
        await update(keeper, ids, {"http": {"url": url}})
    assert refused.value.reason == reasons.ERROR_REASON_SECRET_NOT_STORED
    await update(keeper, ids, {"http": {"url": "https://shop.test/b"}})
    given = {"Authorization": "s3cret-a", "X-Shop": "s3cret-b"}
    await update(keeper, ids, {"http": {"url": url, "headers": given}}, "http.url", "http.headers")

    assert dict((await stored(admin, keeper, ids, OLD)).headers) == given


async def test_without_a_key_secrets_are_refused_and_all_else_works(admin: Admin, database: Database) -> None:
    monitor = await a_monitor(admin, MonitorStore(database, NO_KEYS))
    ids = await make(monitor, {"url": "https://t.test/"})
    with pytest.raises(FailedPrecondition) as refused:
        await update(monitor, ids, {"http": {"bearerToken": "s3cret"}})
    assert refused.value.reason == reasons.ERROR_REASON_SECRETS_KEY_MISSING
    with pytest.raises(FailedPrecondition):
        await make(monitor, HTTP)
    assert await admin.fetchval("SELECT count(*) FROM checks") == 1


async def test_what_cannot_be_decrypted_is_shown_renamed_paused_and_deleted_and_comes_back_with_its_key(
    keeper: Monitor, admin: Admin, database: Database
) -> None:
    ids = await make(keeper, HTTP)
    lost = with_box(keeper, database, box(NEW))
    assert (await shown(lost, ids))["http"]["headers"]["Authorization"] == HIDDEN
    await update(lost, ids, {"name": "renamed"})
    await lost.checks.pause(lost.actor, *ids)
    await lost.checks.resume(lost.actor, *ids)
    with pytest.raises(InvalidArgument) as refused:
        await update(lost, ids, {"http": {"url": "https://shop.test/b"}})
    assert refused.value.reason == reasons.ERROR_REASON_SECRET_NOT_STORED

    assert dict((await stored(admin, keeper, ids, OLD)).headers) == HTTP["headers"]
    await update(lost, ids, {"http": {"headers": {"X-Shop": "s3cret"}}}, "http.headers")
    assert (await stored(admin, keeper, ids, NEW)).headers == (("X-Shop", "s3cret"),)
    await lost.checks.delete(lost.actor, *ids)


async def test_all_is_encrypted_with_the_newest_key_and_nothing_else_changes(
    keeper: Monitor, admin: Admin, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_reencryption, "_BATCH_SIZE", 2)
    other = await a_monitor(admin, MonitorStore(database, box(OLD)))
    checks = [(monitor, await make(monitor, HTTP)) for monitor in (keeper, other, keeper, other, keeper)]
    plain = await make(keeper, {"url": "https://t.test/", "headers": {"Accept": "a"}})
    before = await admin.fetch("SELECT id, name, update_time FROM checks ORDER BY id")
    rotated = MonitorStore(database, box(NEW, OLD))

    assert (await reencrypt_all(rotated))[CHECK_SPECS].done == 5
    assert [await stored(admin, monitor, ids, NEW) for monitor, ids in checks]
    assert (await reencrypt_all(rotated))[CHECK_SPECS].done == 0
    assert await admin.fetch("SELECT id, name, update_time FROM checks ORDER BY id") == before
    assert "sealed" not in await admin.fetchval("SELECT spec_message FROM checks WHERE id = $1", plain[1])


async def test_secrets_in_the_open_from_before_are_encrypted(admin: Admin, database: Database, keeper: Monitor) -> None:
    tenant_id, _, check_id = await a_check(admin, tenant_id=keeper.tenant_id)
    spec = HttpSpec(url="http://t.test/", headers=(("Accept", "a"), ("cookie", "s3cret")))
    await admin.execute("UPDATE checks SET spec_message = $1 WHERE id = $2", spec_column(spec), check_id)
    sealed = (await reencrypt_all(keeper.store))[CHECK_SPECS]

    assert (sealed.done, [*sealed.unreadable]) == (1, [])
    assert "s3cret" not in await everything(admin)
    assert await stored(admin, keeper, (tenant_id, check_id), OLD) == spec


async def test_what_no_key_decrypts_is_named_and_left_as_it_is(
    keeper: Monitor, admin: Admin, database: Database
) -> None:
    ids, before = await make(keeper, HTTP), await admin.fetchval("SELECT spec_message FROM checks")
    sealed = (await reencrypt_all(MonitorStore(database, box(NEW))))[CHECK_SPECS]

    assert (sealed.done, [*sealed.unreadable], sealed.some_ids) == (0, [ids[1]], str(ids[1]))
    assert await admin.fetchval("SELECT spec_message FROM checks") == before


def test_of_many_that_cannot_be_read_some_are_named() -> None:
    named = secret_reencryption.ReencryptionResult(0, [new_id() for _ in range(25)]).some_ids

    assert named.count(",") == 9
    assert named.endswith(" and 15 more")


async def test_a_password_is_kept_when_only_the_name_changes(keeper: Monitor, admin: Admin) -> None:
    ids = await make(keeper, {"url": "https://t.test/", "basicAuth": {"username": "bob", "password": PASSWORD}})
    answered = await update(keeper, ids, {"http": {"basicAuth": {"username": "alice"}}})

    assert answered["http"]["basicAuth"] == {"username": "alice", "password": HIDDEN}
    assert (await stored(admin, keeper, ids, OLD)).auth == HttpAuth(basic_auth=BasicAuth("alice", PASSWORD))
