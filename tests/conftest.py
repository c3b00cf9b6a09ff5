"""Fixtures that all tests share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvloop
from hypothesis import settings

from tests.support import folders
from tests.support.database import TestServer, running
from tests.support.effort import FACTOR, IS_LONG
from tests.support.order import spread
from tests.support.shared import TEMPLATE, RemoteServers, SharedServers

# An example has no time limit: a busy machine is no fault. The short form looks at the same examples each time, so that
# nobody's change fails by a rare one that was there before; the long form looks at others.
settings.register_profile(
    "sentinel", max_examples=settings().max_examples * FACTOR, deadline=None, derandomize=not IS_LONG
)
settings.load_profile("sentinel")

# As in the product. With the package rich, tracebacks show all variables, and what tests print is held in memory.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

_SHARED = pytest.StashKey[SharedServers | RemoteServers]()
_LONGEST_STOP_S = 60.0  # reached only by what hangs
# Tests of these layers wait for processes most of the time.
_WAITING = ("system", "e2e")


def pytest_configure(config: pytest.Config) -> None:
    """Have one process of a run keep what all of them share."""
    worker = getattr(config, "workerinput", None)
    if worker is None:
        config.stash[_SHARED] = SharedServers()
    else:
        config.stash[_SHARED] = RemoteServers(worker["shared"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker process where to ask for it."""
    node.workerinput["shared"] = node.config.stash[_SHARED].address


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop what was shared."""
    servers = session.config.stash[_SHARED]
    if isinstance(servers, SharedServers) and servers.close() > _LONGEST_STOP_S:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        raise pytest.UsageError(f"the shared stack took over {_LONGEST_STOP_S:g} s to stop")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that wait for processes first, with the unit tests, which use the CPU, among their modules."""
    kinds: dict[str, list[pytest.Item]] = {kind: [] for kind in ("slow", "waiting", "unit", "integration")}
    for item in items:
        kinds[_kind(item)].append(item)
    # A module's tests stay together: what they share is made again after a test of another module.
    modules = [list(module) for _, module in groupby(kinds["slow"] + kinds["waiting"], lambda item: item.path)]
    items[:] = [*spread(kinds["unit"], modules), *kinds["integration"]]


def _kind(item: pytest.Item) -> str:
    layer = _layer(item.path)
    return "slow" if item.get_closest_marker("slow") else "waiting" if layer in _WAITING else layer


@cache
def _layer(path: Path) -> str:
    return path.relative_to(Path(__file__).parent).parts[0]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of bytes by its argument: its content may differ between processes, as the order of a set does."""
    return argname if isinstance(val, bytes) else None


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the event loop that the services run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config) -> SharedServers | RemoteServers:
    """What all processes of the run share."""
    return pytestconfig.stash[_SHARED]


@pytest.fixture(scope="session")
def template(shared: SharedServers | RemoteServers) -> Path:
    """A data folder of PostgreSQL with a migrated database; to be copied, never to be run on."""
    return Path(shared.get(TEMPLATE))


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder with a short path, in memory if possible."""
    with folders.short_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def disk_folder() -> Iterator[Path]:
    """A folder with a short path on a disk, for databases that have to be durable."""
    with folders.short_folder(on_disk=True) as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(short_folder: Path, template: Path) -> Iterator[TestServer]:
    """A real PostgreSQL server."""
    with running(short_folder / "pg", template) as server:
        yield server


@pytest.fixture
def own_postgres(disk_folder: Path, template: Path) -> Iterator[TestServer]:
    """A server that the test may crash, as durable as in production."""
    with running(disk_folder / "own-pg", template, durable=True) as server:
        yield server


@pytest.fixture
async def database_url(postgres: TestServer) -> AsyncIterator[str]:
    """A database of the test's own, with all tables and no rows."""
    async with postgres.cloned() as url:
        yield url
