"""The second wall: every tenant-owned table shows a service's role one tenant's rows, and nothing without a tenant."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from services.common.database import connect
from services.common.ids import new_id
from tests.rows import START_US, a_check

ROLES = ["sentinel_auth", "sentinel_monitor", "sentinel_worker"]


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def two_tenants(admin: "asyncpg.Connection[asyncpg.Record]") -> list[UUID]:
    """Two tenants, each with a row in every tenant-owned table."""
    tenants = []
    await admin.execute("SELECT make_results_partition(to_timestamp($1)::date)", START_US / 1e6)
    for _ in range(2):
        tenant_id, service_id, check_id = await a_check(admin)
        user_id, session_id = new_id(), new_id()
        await admin.execute(
            "INSERT INTO users VALUES ($1, $2, 'a@a.test', '', 3, 'h', now(), NULL, now())", tenant_id, user_id
        )
        await admin.execute(
            "INSERT INTO sessions VALUES ($1, $2, $3, now(), now(), NULL, now(), '', '')",
            tenant_id,
            session_id,
            user_id,
        )
        await admin.execute(
            "INSERT INTO invitations VALUES ($1, $2, 'b@a.test', 1, 'x', now(), now())", tenant_id, new_id()
        )
        await admin.execute(
            "INSERT INTO api_keys VALUES ($1, $2, 'ci', 1, 'sst_', $3, now(), NULL, NULL)",
            tenant_id, new_id(), tenant_id.bytes,
        )  # fmt: skip
        await admin.execute("INSERT INTO revocations VALUES ($1, $2, 1, $2, NULL, '', now())", tenant_id, session_id)
        await admin.execute("INSERT INTO tenant_suspensions VALUES ($1, now(), now(), 'unpaid')", tenant_id)
        await admin.execute(
            "INSERT INTO audit_log VALUES ($1, $2, now(), 1, $3, '', '', '', '', 'user.update', $3, NULL, NULL)",
            tenant_id, new_id(), user_id,
        )  # fmt: skip
        await admin.execute("INSERT INTO refresh_tokens VALUES ($1, 'x', $2, now(), NULL)", tenant_id, session_id)
        for table in ("results", "on_demand_results"):
            await admin.execute(
                f"INSERT INTO {table} (tenant_id, check_id, slot_time, service_id, interval_us, outcome, worker_id,"
                " recorded_xid) VALUES ($1, $2, to_timestamp($3), $4, 1, 1, 'w', 1)",
                tenant_id, check_id, START_US / 1e6, service_id,
            )  # fmt: skip
        await admin.execute("INSERT INTO heartbeats VALUES ($1, $2, $3)", tenant_id, check_id, tenant_id.bytes)
        await admin.execute("INSERT INTO removed_checks VALUES ($1, $2, now())", tenant_id, new_id())
        await admin.execute(
            "INSERT INTO maintenance_windows VALUES ($1, $2, NULL, 'w', now(), 1, '', '', NULL, now(), now(), now())",
            tenant_id, new_id(),
        )  # fmt: skip
        await admin.execute(
            "INSERT INTO maintenance_spans VALUES ($1, $2, NULL, now(), now() + interval '1 h')", tenant_id, new_id()
        )
        incident_id = new_id()
        await admin.execute(
            "INSERT INTO incidents (tenant_id, id, service_id, check_id, service_name, check_name, start_time,"
            " detect_time) VALUES ($1, $2, $3, $4, '', '', now(), now())",
            tenant_id, incident_id, service_id, check_id,
        )  # fmt: skip
        await admin.execute(
            "INSERT INTO incident_events VALUES ($1, $2, $3, now(), 1)", tenant_id, incident_id, new_id()
        )
        for table in ("check_hours", "check_days"):
            await admin.execute(
                f"INSERT INTO {table} VALUES ($1, $2, now(), 1, 0, 0, 0, 0, 0, 0, '', NULL)", tenant_id, check_id
            )
        tenants.append(tenant_id)
    return tenants


async def tenant_tables(admin: "asyncpg.Connection[asyncpg.Record]") -> dict[str, str]:
    """Every table with a tenant's rows, found in the catalogue, so that a new one enters by itself."""
    rows = await admin.fetch(
        """SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
             AND (a.attname = 'tenant_id' OR (c.relname = 'tenants' AND a.attname = 'id'))"""
    )
    return {row[0]: row[1] for row in rows}


async def test_a_role_sees_one_tenants_rows_and_without_a_tenant_none(
    database_url: str, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    one, other = await two_tenants(admin)
    tables = await tenant_tables(admin)
    assert len(tables) == 24
    for role in ROLES:
        connection = await connect(database_url, role)
        try:
            for table, column in tables.items():
                if not await admin.fetchval("SELECT has_table_privilege($1, $2, 'SELECT')", role, table):
                    continue
                seen = f"SELECT array_agg(DISTINCT {column}) FROM {table}"
                assert await connection.fetchval(seen) is None, (role, table)
                async with connection.transaction():
                    await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(one))
                    assert await connection.fetchval(seen) == [one], (role, table)
                    where = f"SELECT count(*) FROM {table} WHERE {column} = $1"
                    assert await connection.fetchval(where, other) == 0, (role, table)
                assert await connection.fetchval(seen) is None, (role, table)
        finally:
            await connection.close()


async def test_nobody_writes_into_another_tenant(
    database_url: str, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    one, other = await two_tenants(admin)
    for role in ROLES:
        connection = await connect(database_url, role)
        try:
            for table, column in (await tenant_tables(admin)).items():
                if await admin.fetchval("SELECT has_table_privilege($1, $2, 'INSERT')", role, table):
                    columns = await admin.fetchval(
                        "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute"
                        " WHERE attrelid = $1::text::regclass AND attnum > 0",
                        table,
                    )
                    await admin.execute(
                        f"CREATE TABLE copy AS SELECT {columns} FROM {table} WHERE {column} = '{other}'"
                    )
                    await admin.execute(f"GRANT SELECT ON copy TO {role}")
                    transaction = connection.transaction()
                    await transaction.start()
                    await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(one))
                    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                        await connection.execute(f"INSERT INTO {table} SELECT * FROM copy")
                    await transaction.rollback()
                    await admin.execute("DROP TABLE copy")
                if await admin.fetchval("SELECT has_table_privilege($1, $2, 'UPDATE')", role, table):
                    async with connection.transaction():
                        await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(one))
                        changed = await connection.execute(
                            f"UPDATE {table} SET {column} = {column} WHERE {column} = $1", other
                        )
                        assert changed == "UPDATE 0"
        finally:
            await connection.close()


async def test_each_role_owns_nothing_and_no_partition_is_open(admin: "asyncpg.Connection[asyncpg.Record]") -> None:
    await two_tenants(admin)
    roles = [*ROLES, "sentinel_engine", "sentinel_tail", "sentinel_rollup"]
    owned = "SELECT count(*) FROM pg_class WHERE relowner = ANY(SELECT oid FROM pg_roles WHERE rolname = ANY($1))"
    powers = (
        "SELECT bool_or(rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb) FROM pg_roles WHERE rolname = ANY($1)"
    )

    assert await admin.fetchval(owned, roles) == 0
    assert await admin.fetchval(powers, roles) is False
    for role in roles:
        assert not await admin.fetchval(
            "SELECT bool_or(has_table_privilege($1, oid, 'SELECT')) FROM pg_class"
            " WHERE relispartition AND relkind = 'r'",
            role,
        )
