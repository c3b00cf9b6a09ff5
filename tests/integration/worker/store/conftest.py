"""Each test of the suite runs once for every kind of installation."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.integration.worker.store.in_memory import InMemory
from tests.integration.worker.store.in_sql import in_sql
from tests.integration.worker.store.installation import Installation
from tests.support.database import TestServer


@pytest.fixture(scope="session")
def suite_url(postgres: TestServer) -> str:
    """A database that the tests of the suite have one after the other."""
    return asyncio.run(postgres.clone())


@pytest.fixture(params=["sql", "memory"])
async def installation(request: pytest.FixtureRequest, suite_url: str) -> AsyncIterator[Installation]:
    """An installation without tenants."""
    if request.param == "memory":
        yield InMemory()
        return
    async with in_sql(suite_url) as made:
        yield made
