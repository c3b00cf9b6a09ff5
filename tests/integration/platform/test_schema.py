"""The tables as Core knows them, and the schema as migrations/schema.sql shows it, are what the migrations make."""

from datetime import UTC, datetime

import asyncpg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from services.platform.ids import new_id
from services.platform.postgres.migrate import migrate
from services.platform.postgres.tables import metadata
from tests.support.database import TestServer
from tests.support.rows import a_check
from tests.support.stack import ROOT
from tools.schema import COMMAND, PATH, snapshot

# What Core need not know: constraints and indexes are the migrations' business.
_COLUMNS = {"add_table", "remove_table", "add_column", "remove_column", "modify_type", "modify_nullable"}
# What only processes of the version before read, until a later migration drops it (docs/adr/0044).
_OF_THE_VERSION_BEFORE = {("checks", "spec")}
_CATALOGUE = (
    "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_index", "pg_namespace", "pg_policy", "pg_proc",
    "pg_trigger", "pg_type",
)  # fmt: skip


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    found = [entry if isinstance(entry, tuple) else entry[0] for entry in compare_metadata(context, metadata)]
    return [
        entry
        for entry in found
        if entry[0] in _COLUMNS
        and not (entry[0] == "remove_table" and entry[1].name == "alembic_version")
        and not (entry[0] == "remove_column" and (entry[2], entry[3].name) in _OF_THE_VERSION_BEFORE)
    ]


async def test_core_and_migrations_agree(database_url: str) -> None:
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await engine.dispose()


async def test_the_snapshot_of_the_schema_is_that_of_a_migrated_database(database_url: str) -> None:
    assert (await snapshot(database_url)).splitlines() == PATH.read_text().splitlines(), f"run `{COMMAND}` and commit"


async def test_the_snapshot_shows_whatever_a_database_has(database_url: str) -> None:
    statements = (
        "CREATE TABLE orders (number integer DEFAULT 7, parent integer)",
        "ALTER TABLE orders ADD CONSTRAINT orders_key PRIMARY KEY (number)",
        "ALTER TABLE orders ADD CONSTRAINT orders_parent FOREIGN KEY (parent) REFERENCES orders",
        "CREATE INDEX orders_of_parent ON orders (parent)",
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY nobody ON orders USING (false)",
        "CREATE FUNCTION orders_changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER changed BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION orders_changed()",
        "REVOKE ALL ON FUNCTION orders_changed FROM PUBLIC",
        "CREATE VIEW all_orders AS SELECT number FROM orders",
        "CREATE SEQUENCE order_numbers",
        "CREATE TYPE order_state AS ENUM ('open')",
        "GRANT SELECT (number, parent), UPDATE (parent) ON orders TO sentinel_tail",
        "GRANT DELETE ON orders TO sentinel_tail",
        "CREATE TABLE results_of_a_day PARTITION OF results FOR VALUES FROM ('2026-01-01Z') TO ('2026-01-02Z')",
        "COMMENT ON TABLE orders IS 'what customers bought'",
    )
    admin = await asyncpg.connect(database_url)
    try:
        for statement in statements:
            await admin.execute(statement)
    finally:
        await admin.close()

    further = [*dict.fromkeys((await snapshot(database_url)).splitlines())]
    shown = "\n".join(line for line in further if line not in set(PATH.read_text().splitlines()))
    for part in (
        "CREATE TABLE public.orders (",
        "number integer DEFAULT 7 NOT NULL",
        "ADD CONSTRAINT orders_key PRIMARY KEY (number)",
        "ADD CONSTRAINT orders_parent FOREIGN KEY (parent) REFERENCES public.orders(number)",
        "CREATE INDEX orders_of_parent ON public.orders USING btree (parent)",
        "ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY nobody ON public.orders USING (false)",
        "CREATE FUNCTION public.orders_changed() RETURNS trigger",
        "CREATE TRIGGER changed BEFORE INSERT ON public.orders",
        "REVOKE ALL ON FUNCTION public.orders_changed() FROM PUBLIC",
        "CREATE VIEW public.all_orders AS",
        "CREATE SEQUENCE public.order_numbers",
        "CREATE TYPE public.order_state AS ENUM (",
        "GRANT DELETE ON TABLE public.orders TO sentinel_tail",
        "GRANT SELECT (number, parent), UPDATE (parent) ON TABLE public.orders TO sentinel_tail",
        "CREATE TABLE public.results_of_a_day (",
        "ALTER TABLE ONLY public.results ATTACH PARTITION public.results_of_a_day",
        "COMMENT ON TABLE public.orders IS 'what customers bought'",
    ):
        assert part in shown


def upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_a_check_that_is_there_gets_an_open_period_from_when_it_was_made(postgres: TestServer) -> None:
    url = await postgres.clone(empty=True)
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    tenant_id, service_id, check_id = new_id(), new_id(), new_id()
    try:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade_to, "0002")
            for statement in (
                f"INSERT INTO tenants (id, slug, name, create_time) VALUES ('{tenant_id}', 'acme', 'Acme', now())",
                (
                    "INSERT INTO services (tenant_id, id, name, url, description, labels, create_time, update_time)"
                    f" VALUES ('{tenant_id}', '{service_id}', 's', '', '', '{{}}', now(), now())"
                ),
                (
                    "INSERT INTO checks (tenant_id, id, service_id, shard, name, kind, spec, interval_us, timeout_us,"
                    " failure_threshold, recovery_threshold, retries, create_time, update_time)"
                    f" VALUES ('{tenant_id}', '{check_id}', '{service_id}', 0, 'c', 'http', '{{}}', 7, 5, 1, 1, 0,"
                    " '2026-01-02 03:04:05Z', now())"
                ),
            ):
                await connection.execute(text(statement))
            await connection.run_sync(upgrade_to, "head")
            periods = await connection.execute(
                text("SELECT tenant_id, check_id, start_time, end_time, interval_us FROM check_periods")
            )
            start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
            assert [tuple(row) for row in periods] == [(tenant_id, check_id, start, None, 7)]
    finally:
        await engine.dispose()


async def versions(admin: "asyncpg.Connection[asyncpg.Record]") -> dict[str, set[tuple[str, str]]]:
    """Every row of our tables and of the catalogue, each as what wrote it and where it lies: any write changes that."""
    ours = await admin.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return {
        table: {tuple(row) for row in await admin.fetch(f"SELECT xmin::text, ctid::text FROM {table}")}
        for table in (*_CATALOGUE, *(row[0] for row in ours))
    }


async def test_migrating_again_writes_nothing(database_url: str) -> None:
    admin = await asyncpg.connect(database_url)
    try:
        await a_check(admin)
        before = await versions(admin)
        assert all(before[table] for table in (*_CATALOGUE, "alembic_version", "secrets", "tenants", "checks"))

        await migrate(database_url)

        assert await versions(admin) == before
    finally:
        await admin.close()
