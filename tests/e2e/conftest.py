"""One stack that most end-to-end tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack, Team
from tests.e2e.target import Target


@pytest.fixture(scope="session")
def stack(short_folder: Path) -> Iterator[Stack]:
    """A running stack."""
    stack = Stack(short_folder / "stack")
    stack.start()
    yield stack
    assert stack.stop() < 10


@pytest.fixture
def team(stack: Stack) -> Iterator[Team]:
    """A team of the test's own."""
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
