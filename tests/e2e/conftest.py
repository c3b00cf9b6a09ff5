"""One stack that most end-to-end tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.target import Target
from tests.support.shared import STACK, RemoteServers, SharedServers
from tests.support.stack import Stack, Team


@pytest.fixture(scope="session")
def stack(shared: SharedServers | RemoteServers) -> Stack:
    """The stack that all processes of the run share: for tests that only need a tenant of their own."""
    return Stack(**shared.get(STACK))


@pytest.fixture(scope="session")
def quiet_stack(short_folder: Path, template: Path) -> Iterator[Stack]:
    """A stack for tests that count what reaches the services, or meet the limits.

    All its tests are in one xdist_group, "door". Each uses client addresses of its own, since limits are by address.
    """
    stack = Stack(
        data_dir=short_folder / "quiet",
        template=template,
        settings={
            "SENTINEL_AUTH_LIMIT_BURST": "3",
            "SENTINEL_AUTH_LIMIT_PER_MINUTE": "6",
            "SENTINEL_HEARTBEAT_LIMIT_BURST": "3",
            "SENTINEL_HEARTBEAT_LIMIT_PER_MINUTE": "6",
        },
    )
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def quiet_team(quiet_stack: Stack) -> Iterator[Team]:
    """A team on the quiet stack."""
    with Team(quiet_stack) as team:
        yield team


@pytest.fixture
def team(stack: Stack) -> Iterator[Team]:
    """A team of the test's own."""
    with Team(stack) as team:
        yield team


@pytest.fixture(scope="module")
def lasting_team(stack: Stack) -> Iterator[Team]:
    """A team for all tests of a module that leave nothing behind in it: registering costs a password hash."""
    with Team(stack) as team:
        yield team


@pytest.fixture
def other_team(stack: Stack) -> Iterator[Team]:
    """A team that must never meet the first."""
    with Team(stack) as team:
        yield team


@pytest.fixture
def target() -> Iterator[Target]:
    """A target that answers."""
    with Target() as target:
        yield target
