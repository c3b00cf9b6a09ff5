"""Fixtures that all tests share."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.database import TestServer, running


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the event loop that the services run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder with a short path: a socket's has 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="st-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(short_folder: Path) -> Iterator[TestServer]:
    """A real PostgreSQL server."""
    with running(short_folder / "pg") as server:
        yield server


@pytest.fixture
def own_postgres(short_folder: Path) -> Iterator[TestServer]:
    """A server that the test may stop."""
    with running(short_folder / "own-pg") as server:
        yield server
    shutil.rmtree(short_folder / "own-pg")


@pytest.fixture
async def database_url(postgres: TestServer) -> str:
    """A database of the test's own, with all tables and no rows."""
    return await postgres.clone()
