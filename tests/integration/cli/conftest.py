"""Fixtures for tests of processes that the supervisor runs."""

import pytest

from cli import child
from tests.support.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, a process has time to obey."""
    monkeypatch.setattr(child, "_KILL_AFTER_S", PATIENCE_S)
