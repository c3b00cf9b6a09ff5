"""A clock that only a test moves, in place of the module `time`."""

from types import ModuleType

import pytest


class HandClock:
    """A replacement of `time` in modules that read its monotonic clocks.

    Attributes:
        now_ns: the time of every monotonic clock.
    """

    def __init__(self, now_ns: int = 1_000_000_000_000) -> None:
        self.now_ns = now_ns

    def monotonic(self) -> float:
        return self.now_ns / 1e9

    def perf_counter_ns(self) -> int:
        return self.now_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def rules(self, monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
        """Make modules read this clock and no other one."""
        for module in modules:
            monkeypatch.setattr(module, "time", self)
