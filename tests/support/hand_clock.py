"""A clock that stands still until a test moves it, in place of the module `time`."""

from types import ModuleType

import pytest


class HandClock:
    """Stands in for `time` in modules that read its monotonic clocks.

    Attributes:
        now_ns: what every monotonic clock shows.
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
        """Let modules read this clock and no other."""
        for module in modules:
            monkeypatch.setattr(module, "time", self)
