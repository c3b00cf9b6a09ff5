"""Deadlines of runs, watched without a clock: which passed, and within how many turns of the loop the run was over."""

import asyncio

import pytest

from services.wire.deadline import Deadline
from services.worker import probe

# A cancellation reaches the innermost wait in one turn.
FEW_TURNS = 3
_SHORT_S = 5.0
_STEP_S = 0.01


class PatientDeadline(Deadline):
    """A deadline of a few seconds or less whose time passes in short steps, each in its own turn of the event loop.

    A process that the machine suspends, or that loads a library just now, loses one step by that, and not all of its
    time: what has arrived meanwhile is read before the next step.
    """

    def __init__(self, timeout_s: float) -> None:
        super().__init__(timeout_s)
        self._later_s = 0.0
        if timeout_s <= _SHORT_S:
            self._timer.cancel()
            self._begin(timeout_s)

    @property
    def left_s(self) -> float:
        """The remaining time in seconds, while it is not paused."""
        return max(0.0, super().left_s) + self._later_s

    def resume(self) -> None:
        """Resume the time limit with the remaining time."""
        self._begin(self._left_s)

    def _begin(self, left_s: float) -> None:
        step_s = min(left_s, _STEP_S) if left_s <= _SHORT_S else left_s
        self._later_s = left_s - step_s
        self._timer = asyncio.get_running_loop().call_later(step_s, self._step)

    def _step(self) -> None:
        if self._later_s > 0:
            self._begin(self._later_s)
        else:
            self._expire()


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

        class Watched(PatientDeadline):
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
