"""One stack that most end-to-end tests share."""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack, Team
from tests.e2e.target import Target
from tests.shared import STACK, RemoteServers, SharedServers


@pytest.fixture(scope="session")
def stack(shared: SharedServers | RemoteServers) -> Stack:
    """The stack that all processes of the run share: for tests that only need a tenant of their own."""
    return Stack(**shared.get(STACK))


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
