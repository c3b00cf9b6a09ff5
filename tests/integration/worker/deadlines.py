"""Deadlines of runs, watched without a clock: which passed, and within how many turns of the loop the run was over."""

import asyncio

import pytest

from services.wire.deadline import Deadline
from services.worker import probe

# A cancellation reaches the innermost wait in one turn.
FEW_TURNS = 3


class Deadlines:
    """What became of the deadlines of all runs.

    Attributes:
        set_s: how long each was, in seconds.
        passed: how many passed before their run ended.
        turns: turns of the event loop from there to the end of the run, the most of all.
    """

    def __init__(self) -> None:
        self.set_s: list[float] = []
        self.passed = 0
        self.turns = 0

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch each deadline that a prober sets from now on."""
        seen = self

        class Watched(Deadline):
            def __init__(self, timeout_s: float) -> None:
                super().__init__(timeout_s)
                seen.set_s.append(timeout_s)
                self._turns = 0
                self._turning: asyncio.Handle | None = None

            def _expire(self) -> None:
                super()._expire()
                seen.passed += 1
                self._turn()

            def _turn(self) -> None:
                self._turns += 1
                self._turning = asyncio.get_running_loop().call_soon(self._turn)

            def clear(self) -> None:
                super().clear()
                if self._turning is not None:
                    self._turning.cancel()
                    seen.turns = max(seen.turns, self._turns)

        monkeypatch.setattr(probe, "Deadline", Watched)
