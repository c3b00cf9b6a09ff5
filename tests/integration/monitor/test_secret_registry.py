"""Each registered secret gets by its entry: encryption, "[secret]" on read, masking, rotation, no trace in a dump.

A further entry needs an example here, by which a value of it is stored as people store it.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from sentinel.monitor.v1 import check_pb2
from sentinel.monitor.v1 import monitor_service_pb2 as pb
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.secret_columns import SecretColumn, SecretTexts
from services.checks.secret_registry import SECRET_COLUMNS
from services.checks.specs.secrets import HIDDEN, masked
from services.monitor.messages import check_draft, check_message
from services.monitor.secret_reencryption import reencrypt_all
from services.monitor.store import MonitorStore
from services.monitor.updates import Updates
from services.platform.errors import FailedPrecondition
from services.platform.ids import new_id
from services.platform.postgres.database import Database
from services.platform.security.secret_box import NO_KEYS, DecryptionError, SecretBox
from services.platform.security.secret_keys import SecretKeys
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.support.database import patient_database
from tests.support.dumps import plain_dump
from tests.support.rows import insert
from tests.support.targets import Authority

OLD, NEW = b"o" * 32, b"n" * 32
MARK = "s3cret-mark-of-a-test"
Row = tuple[UUID, UUID]


def box(*keys: bytes) -> SecretBox:
    return SecretBox(SecretKeys(keys))


@dataclass(frozen=True)
class Example:
    """An HTTP check with one secret.

    Attributes:
        http: the check, as it is given.
        secret: what of it is secret.
    """

    http: dict[str, Any]
    secret: str


def a_client_certificate(authority: Authority) -> Example:
    certificate, key = authority.client()
    return Example({"clientCertificate": {"certificate": certificate, "privateKey": key}}, key)


# By the contract's field.
EXAMPLES: dict[str, Callable[[Authority], Example]] = {
    "sentinel.monitor.v1.HttpCheck.headers": lambda _: Example({"headers": {"X-Api-Key": MARK}}, MARK),
    "sentinel.monitor.v1.HttpCheck.bearer_token": lambda _: Example({"bearerToken": MARK}, MARK),
    "sentinel.monitor.v1.BasicAuth.password": lambda _: Example(
        {"basicAuth": {"username": "a", "password": MARK}}, MARK
    ),
    "sentinel.monitor.v1.ClientCertificate.private_key": a_client_certificate,
}
FIELDS = [(column, field) for column in SECRET_COLUMNS for field in sorted(column.fields)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = patient_database(database_url, "sentinel_monitor")
    yield database
    await database.close()


@pytest.fixture
async def keeper(admin: Admin, database: Database) -> Monitor:
    """Monitor for one tenant, with a key."""
    return await a_monitor(admin, MonitorStore(database, box(OLD)))


async def stored(admin: Admin, of: SecretColumn[Any], row: Row) -> tuple[str, dict[str, Any]]:
    """How a row of a column is read, and the column."""
    kind = of.kind_column or "''"
    found = await admin.fetchrow(
        f"SELECT {kind} AS kind, {of.column} AS document FROM {of.table} WHERE id = $1", row[1]
    )
    return found["kind"], json.loads(found["document"])


def is_open_in(dump: bytes, secret: str) -> bool:
    """Whether a secret can be read in a dump: as it is, or a line of it, in any usual spelling."""
    lines = [line for line in secret.splitlines() if line and not line.startswith("-----")]
    spellings = [
        spelling
        for line in lines
        for spelling in (line.encode(), base64.b64encode(line.encode())[:-4], line.encode().hex().encode())
    ]
    assert spellings
    return any(spelling in dump for spelling in spellings)


@pytest.mark.parametrize(("of", "field"), FIELDS, ids=lambda value: value if isinstance(value, str) else "")
async def test_a_registered_secret_is_encrypted_hidden_masked_and_rotated(
    of: SecretColumn[Any],
    field: str,
    keeper: Monitor,
    admin: Admin,
    database: Database,
    database_url: str,
    authority: Authority,
) -> None:
    assert field in EXAMPLES, f"{field} is registered; add an example of it"
    example = EXAMPLES[field](authority)
    http = {"url": "https://shop.test/", **example.http}
    service_id = await keeper.service()
    draft = check_draft(ParseDict({"name": "home", "http": http}, check_pb2.Check()))
    made = await keeper.checks.create(keeper.actor, service_id, draft, None)
    row = (keeper.tenant_id, made.check.id)

    # Written, and written back as it is read, it is "[secret]" in each answer.
    read = check_message(await keeper.checks.get(keeper.tenant_id, service_id, made.check.id))
    request = ParseDict({"check": {"name": "renamed", "http": MessageToDict(read.http)}}, pb.UpdateCheckRequest())
    changed = await keeper.checks.update(keeper.actor, service_id, made.check.id, "", Updates().of_check(request))
    for answer in (check_message(made), read, check_message(changed)):
        assert HIDDEN in str(answer)
        assert example.secret not in str(MessageToDict(answer))

    # No dump has it, that of the audit log included.
    dump = await plain_dump(database_url)
    assert b"renamed" in dump
    assert not is_open_in(dump, example.secret)

    # With the key it is there, and is masked where it turns up in a text. For another row it does not open.
    kind, column = await stored(admin, of, row)
    value = of.decrypted(kind, column, *row, box(OLD))
    assert list(of.secrets(value).values()) == [example.secret]
    assert example.secret not in masked(f"a target said {example.secret}", value.secrets())
    for stranger in ((new_id(), row[1]), (row[0], new_id())):
        with pytest.raises(DecryptionError):
            of.decrypted(kind, column, *stranger, box(OLD))

    # When the key changes it is encrypted anew, and the old key opens it no more.
    sealed = await reencrypt_all(MonitorStore(database, box(NEW, OLD)))
    assert (sealed[of].done, [*sealed[of].unreadable]) == (1, [])
    kind, column = await stored(admin, of, row)
    assert of.decrypted(kind, column, *row, box(NEW)) == value
    with pytest.raises(DecryptionError):
        of.decrypted(kind, column, *row, box(OLD))
    assert not is_open_in(await plain_dump(database_url), example.secret)

    with pytest.raises(FailedPrecondition) as refused:
        of.to_column(value, *row, NO_KEYS)
    assert refused.value.reason == reasons.ERROR_REASON_SECRETS_KEY_MISSING


def test_the_search_of_a_dump_finds_what_is_in_the_open() -> None:
    for spelled in (MARK.encode(), base64.b64encode(MARK.encode()), MARK.encode().hex().encode()):
        assert is_open_in(b"(1, " + spelled + b")", MARK)


async def test_a_further_table_needs_no_more_than_an_entry(
    admin: Admin, database: Database, database_url: str, keeper: Monitor
) -> None:
    channels = SecretTexts(
        table="notification_channels",
        column="settings",
        entry="channel",
        purpose=b"sentinel-stack secrets of a channel, 1",
        keys={"signing_secret": "sentinel.monitor.v1.Webhook.signing_secret"},
    )
    await admin.execute("CREATE TABLE notification_channels (tenant_id uuid, id uuid PRIMARY KEY, settings jsonb)")
    await admin.execute("ALTER TABLE notification_channels ENABLE ROW LEVEL SECURITY")
    await admin.execute(
        "CREATE POLICY tenant_isolation ON notification_channels TO sentinel_monitor"
        " USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)"
    )
    await admin.execute("GRANT SELECT, UPDATE ON notification_channels TO sentinel_monitor")
    given = {"url": "https://hook.test/", "signing_secret": MARK}
    rows = [(tenant, new_id()) for tenant in (keeper.tenant_id, new_id(), keeper.tenant_id)]
    for row in rows:
        column = channels.to_column(given, *row, box(OLD))
        await insert(admin, "notification_channels", tenant_id=row[0], id=row[1], settings=json.dumps(column))
    no_secret = (keeper.tenant_id, new_id())
    await insert(
        admin, "notification_channels", tenant_id=no_secret[0], id=no_secret[1],
        settings=json.dumps({"url": "https://hook.test/"}),
    )  # fmt: skip

    columns = (*SECRET_COLUMNS, channels)
    assert (await reencrypt_all(MonitorStore(database, box(NEW, OLD)), columns))[channels].done == 3
    assert (await reencrypt_all(MonitorStore(database, box(NEW, OLD)), columns))[channels].done == 0
    assert not is_open_in(await plain_dump(database_url), MARK)
    for row in rows:
        kind, column = await stored(admin, channels, row)
        assert channels.masked(kind, column) == {"url": "https://hook.test/", "signing_secret": HIDDEN}
        assert channels.decrypted(kind, column, *row, box(NEW)) == given
        with pytest.raises(DecryptionError, match="cannot decrypt the secrets of the channel"):
            channels.decrypted(kind, column, row[0], new_id(), box(NEW))
    lost = (await reencrypt_all(MonitorStore(database, box(b"x" * 32)), columns))[channels]
    assert (lost.done, {*lost.unreadable}) == (0, {row[1] for row in rows})
