"""A time limit on what the current task awaits: asyncio.timeout's contract at a quarter of its cost.

It is set on each probe, and asyncio.timeout's context and two coroutines cost a tenth of a whole plain probe.
"""

import asyncio


class Deadline:
    """Cancels the current task when the time is over; `passed` then tells this from any other cancellation.

    Args:
        timeout_s: from now on.
    """

    __slots__ = ("_cancelling", "_is_over", "_left_s", "_task", "_timer")

    def __init__(self, timeout_s: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a current task")
        self._task = task
        self._cancelling = task.cancelling()
        self._is_over = False
        self._left_s = timeout_s
        self._timer = asyncio.get_running_loop().call_later(timeout_s, self._expire)

    @property
    def left_s(self) -> float:
        """How much time is left, while it is not stopped."""
        return self._timer.when() - asyncio.get_running_loop().time()

    def pause(self) -> None:
        """Stop the time until `resume`: what is awaited now counts for nobody."""
        self._left_s = max(0.0, self.left_s)
        self._timer.cancel()

    def resume(self) -> None:
        """Let the time go on where it was stopped."""
        self._timer = asyncio.get_running_loop().call_later(self._left_s, self._expire)

    def _expire(self) -> None:
        self._is_over = True
        self._task.cancel()

    def passed(self) -> bool:
        """After a CancelledError: whether it was this deadline alone, which takes its cancellation back."""
        return self._is_over and self._task.uncancel() <= self._cancelling

    def clear(self) -> None:
        """The work is done: no cancellation will come."""
        self._timer.cancel()
