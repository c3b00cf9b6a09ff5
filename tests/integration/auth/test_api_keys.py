"""API keys against the real tables: issued, found by every service's role, used, deleted."""

import asyncpg
import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from services.platform.errors import AlreadyExists, NotFound, Unauthenticated
from services.platform.postgres.common_store import CommonStore
from services.platform.security.api_keys import ApiKeyVerifier
from services.platform.security.principal import Role
from tests.integration.auth.conftest import Auth, actor_of
from tests.integration.platform.test_schema import upgrade_to
from tests.support.database import patient_database

# 9999-12-31T23:59:59.999999Z
_LAST_US = 253_402_300_800_000_000 - 1


@pytest.mark.parametrize("role", ["sentinel_auth", "sentinel_monitor", "sentinel_worker"])
async def test_a_key_speaks_for_its_tenant_in_every_service_until_it_is_deleted(
    auth: Auth, database_url: str, role: str
) -> None:
    admin = await auth.register()
    made, key = await auth.api_keys.create(actor_of(admin), "ci", Role.MEMBER, None)
    database = patient_database(database_url, role)
    try:
        store = CommonStore(database)
        principal = await ApiKeyVerifier(store, auth.key_format).verify(key)
        assert (principal.tenant_id, principal.credential_id, principal.role) == (admin.tenant.id, made.id, Role.MEMBER)

        await store.record_key_use([(admin.tenant.id, made.id)])
        (listed,) = (await auth.api_keys.list(admin.tenant.id, 0, "")).items
        assert listed.last_use_us is not None
        await auth.api_keys.delete(actor_of(admin), made.id)
        with pytest.raises(Unauthenticated) as refused:
            await ApiKeyVerifier(store, auth.key_format).verify(key)
        assert refused.value.reason == reasons.ERROR_REASON_TOKEN_INVALID
    finally:
        await database.close()


async def test_the_database_holds_no_key(auth: Auth, database_url: str) -> None:
    admin = await auth.register()
    made, key = await auth.api_keys.create(actor_of(admin), "ci", Role.MEMBER, None)
    connection = await asyncpg.connect(database_url)
    try:
        (row,) = await connection.fetch("SELECT api_keys::text AS all FROM api_keys")
        (entry,) = await connection.fetch(
            "SELECT audit_log::text AS all FROM audit_log WHERE action = 'api_key.create'"
        )
    finally:
        await connection.close()

    assert made.prefix == key[:12]
    assert key[12:] not in row["all"] + entry["all"]


async def test_names_are_unique_and_another_tenants_key_is_not_found(auth: Auth) -> None:
    ours, theirs = await auth.register("ours"), await auth.register("theirs")
    made, _ = await auth.api_keys.create(actor_of(ours), "ci", Role.ADMIN, None)
    await auth.api_keys.create(actor_of(theirs), "ci", Role.ADMIN, None)

    with pytest.raises(AlreadyExists):
        await auth.api_keys.create(actor_of(ours), "ci", Role.VIEWER, None)
    with pytest.raises(NotFound):
        await auth.api_keys.delete(actor_of(theirs), made.id)
    assert (await auth.api_keys.list(ours.tenant.id, 0, "")).total == 1


async def repair(database_url: str) -> None:
    """Run the migration that repairs keys, and none that came later: those have been run."""
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        await connection.run_sync(upgrade_to, "0018")
        await connection.commit()
    await engine.dispose()


async def test_a_key_that_expires_at_the_end_of_time_is_listed_and_repaired(auth: Auth, database_url: str) -> None:
    admin = await auth.register()
    await auth.api_keys.create(actor_of(admin), "ci", Role.MEMBER, _LAST_US)
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT expire_time = 'infinity' FROM api_keys")
        (before,) = (await auth.api_keys.list(admin.tenant.id, 0, "")).items
        await connection.execute("UPDATE alembic_version SET version_num = '0017'")

        await repair(database_url)

        assert not await connection.fetchval("SELECT expire_time = 'infinity' FROM api_keys")
    finally:
        await connection.close()
    (after,) = (await auth.api_keys.list(admin.tenant.id, 0, "")).items
    assert (before.expire_us, after.expire_us) == (_LAST_US, _LAST_US - 1)
