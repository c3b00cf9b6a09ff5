"""The second wall: every tenant-owned table shows a service's role one tenant's rows, and nothing without a tenant."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest

from services.platform.clock import HOUR_US, to_datetime
from services.platform.ids import new_id
from services.platform.postgres.connection import connect
from tests.support.rows import START_US, a_check, insert

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# Roles that row-level security keeps inside one tenant, and what each may do with the tenant-owned tables: select,
# insert, update, delete; in lower case for some columns only. A table that is not named is closed.
RIGHTS = {
    "sentinel_auth": {
        "api_keys": "SI-D", "audit_log": "SI--", "invitations": "SI-D", "refresh_tokens": "SIUD", "revocations": "-I--",
        "sessions": "SIUD", "tenant_suspensions": "SIU-", "tenants": "SI--", "users": "SIUD",
    },
    "sentinel_monitor": {
        "audit_log": "-I--", "check_days": "S---", "check_hours": "S---", "check_periods": "SIU-",
        "check_rollups": "SI--", "check_states": "SIu-", "checks": "SIUD", "heartbeats": "sIu-",
        "incident_events": "SI--", "incidents": "S-u-", "maintenance_spans": "SIUD", "maintenance_windows": "SIUD",
        "on_demand_results": "S---", "removed_checks": "-I--", "results": "S---", "services": "SIUD",
        "tenant_suspensions": "S---",
    },
    "sentinel_worker": {
        "check_periods": "S---", "checks": "S---", "on_demand_results": "SI--", "results": "S---", "services": "S---",
    },
}  # fmt: skip
# Roles of a service's background work, which goes through all tenants.
RIGHTS_OVER_ALL_TENANTS = {
    "sentinel_engine": {
        "check_periods": "S---", "check_states": "S-U-", "checks": "S---", "heartbeats": "s---",
        "incident_events": "-I--", "incidents": "SIu-", "maintenance_spans": "S---", "results": "SI--",
        "services": "s---", "tenant_suspensions": "S---",
    },
    "sentinel_rollup": {
        "check_days": "SIU-", "check_hours": "SIUD", "check_periods": "S---", "check_rollups": "S-U-",
        "check_states": "S---", "checks": "s---", "maintenance_spans": "S---", "on_demand_results": "s--D",
        "results": "S---", "tenant_suspensions": "S---",
    },
    "sentinel_tail": {},
}  # fmt: skip
ROLES = [*RIGHTS, *RIGHTS_OVER_ALL_TENANTS]


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def two_tenants(admin: Connection) -> tuple[UUID, UUID]:
    """Two tenants, each with one row in every tenant-owned table."""
    await admin.execute("SELECT make_results_partition(to_timestamp($1)::date)", START_US / 1e6)
    one, other = [await _a_tenant_with_rows(admin) for _ in range(2)]
    for table, column in (await tenant_tables(admin)).items():
        owners = await admin.fetchval(f"SELECT array_agg({column} ORDER BY {column}) FROM {table}")
        assert owners == sorted([one, other]), f"two_tenants has to write a row into {table} for each tenant"
    return one, other


async def _a_tenant_with_rows(admin: Connection) -> UUID:
    tenant_id, service_id, check_id = await a_check(admin)
    user_id, session_id, window_id, incident_id = new_id(), new_id(), new_id(), new_id()
    now, later = to_datetime(START_US), to_datetime(START_US + HOUR_US)
    created: dict[str, Any] = {"tenant_id": tenant_id, "create_time": now}
    of_check = {"tenant_id": tenant_id, "check_id": check_id}
    await insert(
        admin, "users", **created, id=user_id, email="a@a.test", display_name="", role=3, password_hash="h",
        update_time=now,
    )  # fmt: skip
    await insert(
        admin, "sessions", **created, id=session_id, user_id=user_id, expire_time=later, last_use_time=now, client="",
        address="",
    )  # fmt: skip
    await insert(admin, "refresh_tokens", **created, token_hash=b"x", session_id=session_id)
    await insert(
        admin, "invitations", **created, id=new_id(), email="b@a.test", role=1, token_hash=b"x", expire_time=later
    )
    await insert(admin, "api_keys", **created, id=new_id(), name="ci", role=1, prefix="sst_", key_hash=tenant_id.bytes)
    await insert(admin, "revocations", **created, id=session_id, kind=1, subject=session_id, reason="")
    await insert(admin, "tenant_suspensions", tenant_id=tenant_id, start_time=now, end_time=later, reason="unpaid")
    await insert(
        admin, "audit_log", **created, id=new_id(), actor_kind=1, actor_id=user_id, actor_name="", address="",
        client="", request_id="", action="user.update", resource_id=user_id,
    )  # fmt: skip
    for table in ("results", "on_demand_results"):
        await insert(
            admin, table, **of_check, slot_time=now, service_id=service_id, interval_us=1, outcome=1, worker_id="w",
            recorded_xid=1,
        )  # fmt: skip
    await insert(admin, "heartbeats", **of_check, token_hash=tenant_id.bytes)
    await insert(admin, "removed_checks", tenant_id=tenant_id, check_id=new_id(), remove_time=now)
    await insert(
        admin, "maintenance_windows", **created, id=window_id, name="w", start_time=now, duration_us=1, rrule="",
        time_zone="", update_time=now, planned_time=now,
    )  # fmt: skip
    await insert(admin, "maintenance_spans", tenant_id=tenant_id, window_id=window_id, start_time=now, end_time=later)
    await insert(
        admin, "incidents", tenant_id=tenant_id, id=incident_id, service_id=service_id, check_id=check_id,
        service_name="", check_name="", start_time=now, detect_time=now,
    )  # fmt: skip
    await insert(admin, "incident_events", **created, incident_id=incident_id, id=new_id(), kind=1)
    for table in ("check_hours", "check_days"):
        await insert(
            admin, table, **of_check, start_time=now, life_us=1, up_us=0, down_us=0, up_slots=0, down_slots=0,
            error_slots=0, missed_slots=0, latencies=b"",
        )  # fmt: skip
    return tenant_id


async def tenant_tables(admin: Connection) -> dict[str, str]:
    """Every table with tenants' rows and the column that says whose, found in the catalogue: a new one is found too."""
    rows = await admin.fetch(
        """SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
             AND (a.attname = 'tenant_id' OR (c.relname = 'tenants' AND a.attname = 'id'))"""
    )
    return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_has_the_rights_that_it_needs_and_no_others(admin: Connection, role: str) -> None:
    tables = await tenant_tables(admin)
    rights = await admin.fetch(
        """SELECT t, string_agg(
               CASE WHEN has_table_privilege($1, t, p) THEN left(p, 1)
                    WHEN p <> 'DELETE' AND has_any_column_privilege($1, t, p) THEN lower(left(p, 1)) ELSE '-' END,
               '' ORDER BY place)
           FROM unnest($2::text[]) t, unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) WITH ORDINALITY AS w(p, place)
           GROUP BY t""",
        role,
        list(tables),
    )
    assert {row[0]: row[1] for row in rights if row[1] != "----"} == (RIGHTS | RIGHTS_OVER_ALL_TENANTS)[role]


@pytest.mark.parametrize("role", RIGHTS)
async def test_a_role_sees_one_tenants_rows_and_without_a_tenant_none(
    database_url: str, admin: Connection, role: str
) -> None:
    one, _ = await two_tenants(admin)
    tables = await tenant_tables(admin)
    connection = await connect(database_url, role)
    try:
        for table, column in tables.items():
            owners = f"SELECT array_agg({column}) FROM {table}"
            if "S" not in RIGHTS[role].get(table, "").upper():
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"permission denied for table {table}"):
                    await connection.fetchval(owners)
                continue
            assert await connection.fetchval(owners) is None, table
            async with connection.transaction():
                await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(one))
                assert await connection.fetchval(owners) == [one], table
            assert await connection.fetchval(owners) is None, table
    finally:
        await connection.close()


@pytest.mark.parametrize("role", RIGHTS)
async def test_a_role_writes_into_one_tenant_only(database_url: str, admin: Connection, role: str) -> None:
    one, other = await two_tenants(admin)
    tables = await tenant_tables(admin)
    connection = await connect(database_url, role)
    tried = set()
    try:
        for table, rights in RIGHTS[role].items():
            column = tables[table]
            await admin.execute(f"CREATE TABLE copy AS SELECT * FROM {table}")
            await admin.execute(f"GRANT SELECT ON copy TO {role}")
            for right in rights[1:].replace("-", "").upper():
                columns = await _columns(admin, role, table, right)
                statement = {
                    "I": f"INSERT INTO {table} ({columns}) SELECT {columns} FROM copy WHERE {column} = '{other}'",
                    "U": f"UPDATE {table} SET ({columns}) = (SELECT {columns} FROM copy WHERE {column} = '{one}')",
                    "D": f"DELETE FROM {table} WHERE {column} = '{other}'",
                }[right]
                transaction = connection.transaction()
                await transaction.start()
                await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(one))
                if right == "I":
                    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security policy"):
                        await connection.execute(statement)
                else:  # an update without a condition reaches its own row alone
                    reached = await connection.execute(statement)
                    assert reached == {"U": "UPDATE 1", "D": "DELETE 0"}[right], (table, statement)
                await transaction.rollback()
                tried.add(right)
            await admin.execute("DROP TABLE copy")
    finally:
        await connection.close()
    assert tried == {right for rights in RIGHTS[role].values() for right in rights[1:].upper() if right != "-"}


async def _columns(admin: Connection, role: str, table: str, right: str) -> str:
    """The columns of a table that a role may insert or update."""
    columns = await admin.fetchval(
        """SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = $2::text::regclass AND attnum > 0 AND NOT attisdropped
             AND has_column_privilege($1, attrelid, attnum, $3)""",
        role,
        table,
        {"I": "INSERT", "U": "UPDATE", "D": "SELECT"}[right],
    )
    return str(columns)


async def test_each_role_owns_nothing_and_no_partition_is_open(admin: Connection) -> None:
    await two_tenants(admin)
    owned = "SELECT count(*) FROM pg_class WHERE relowner = ANY(SELECT oid FROM pg_roles WHERE rolname = ANY($1))"
    powers = (
        "SELECT bool_or(rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb) FROM pg_roles WHERE rolname = ANY($1)"
    )

    assert await admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = ANY($1)", ROLES) == len(ROLES)
    assert await admin.fetchval(owned, ROLES) == 0
    assert await admin.fetchval(powers, ROLES) is False
    for role in ROLES:
        open_partitions = await admin.fetchval(
            "SELECT bool_or(has_table_privilege($1, oid, 'SELECT')) FROM pg_class"
            " WHERE relispartition AND relkind = 'r'",
            role,
        )
        assert open_partitions is False  # NULL would say that there is no partition
