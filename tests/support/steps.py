"""The cost of a block in steps of the interpreter: the same on every machine and under any load."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Steps:
    """The number of steps of a block.

    Attributes:
        count: calls of functions, Python's and C's, and resumed generators.
    """

    def __init__(self) -> None:
        self.count = 0

    def _profile(self, _frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            self.count += 1


@contextmanager
def counted_steps() -> Iterator[Steps]:
    """Count the steps of a block in this thread."""
    steps = Steps()
    before = sys.getprofile()
    sys.setprofile(steps._profile)
    try:
        yield steps
    finally:
        sys.setprofile(before)
