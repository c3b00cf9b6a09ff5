"""The stack on PostgreSQL 15 of Debian's package, for a database user who is no superuser."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from services.platform.postgres.connection import connect
from tests.e2e.target import Target

# Tests of the whole contract, once more, here with the stack of this module.
from tests.e2e.test_access_walk import test_each_method_answers_each_caller_as_the_contract_says, world
from tests.e2e.test_tour import test_a_check_goes_up_down_and_up_again_and_the_status_tells_it
from tests.support.stack import Stack, Team
from tests.system.postgres import DebianPostgres

__all__ = [
    "test_a_check_goes_up_down_and_up_again_and_the_status_tells_it",
    "test_each_method_answers_each_caller_as_the_contract_says",
    "world",
]


@pytest.fixture(scope="module")
def external_url(debian_postgres: DebianPostgres) -> str:
    """An empty database."""
    return debian_postgres.new_database().url(debian_postgres.port)


@pytest.fixture(scope="module")
def stack(external_url: str, short_folder: Path) -> Iterator[Stack]:
    """A stack on it."""
    stack = Stack(data_dir=short_folder / "external", settings={"SENTINEL_DATABASE_URL": external_url})
    stack.start()
    yield stack
    stack.stop()
    assert stack.said().endswith("stopped\n")


async def test_what_is_registered_is_in_the_external_database(stack: Stack, team: Team, external_url: str) -> None:
    owner = await asyncpg.connect(external_url)
    try:
        version = await owner.fetchval("SELECT current_setting('server_version_num')::int / 10000")
        superuser = await owner.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        slugs = [row["slug"] for row in await owner.fetch("SELECT slug FROM tenants")]
    finally:
        await owner.close()

    assert (version, superuser) == (15, False)
    assert team.slug in slugs
    assert not (stack.data_dir / "postgres").exists()


async def test_row_level_security_is_in_force(team: Team, external_url: str) -> None:
    service = team.service("Shop")
    count = "SELECT count(*) FROM services WHERE id = $1"
    owner, monitor = await asyncpg.connect(external_url), await connect(external_url, "sentinel_monitor")
    try:
        of_owner, of_monitor = await owner.fetchval(count, service), await monitor.fetchval(count, service)
    finally:
        await owner.close()
        await monitor.close()

    assert (of_owner, of_monitor) == (1, 0)


def test_what_was_recorded_is_there_after_a_restart(stack: Stack, team: Team, target: Target) -> None:
    service = team.service("Shop")
    check = team.check(service, target.url)
    results = team.results(f"?checkId={check}")
    recorded = next(results)["result"]
    results.close()

    stack.stop()
    stack.start()

    kept = team.client.get(f"/services/{service}/checks/{check}/results").json()["results"]
    assert recorded["outcome"] == "OUTCOME_UP"
    assert recorded in kept
