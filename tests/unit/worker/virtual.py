"""Time that passes only when nothing is left to do: event loops whose clocks are set from outside."""

import asyncio
import selectors


class _Selector(selectors.SelectSelector):
    """Does not wait: stops the loop, and records until when it would have waited."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self.loop.due_s = float("inf") if timeout is None else self.loop.time() + timeout
            self.loop.stop()
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop of one simulated process.

    Attributes:
        due_s: when it has something to do next, by its clock.
    """

    def __init__(self, now_s: float) -> None:
        self._now_s = now_s
        self.due_s = now_s
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Its clock."""
        return self._now_s

    def run_until(self, now_s: float) -> None:
        """Set its clock, and do what is due by then."""
        self._now_s = max(self._now_s, now_s)
        self.run_forever()
