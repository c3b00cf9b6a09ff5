"""Run work in a forked process, so that its imports take no memory in this one."""

import os
import pickle
import signal
import traceback
from collections.abc import Callable
from typing import Generic, TypeVar

from cli.parent_death import die_with_parent

_T = TypeVar("_T")


class ForkedWorkError(Exception):
    """The work failed; its process has printed the traceback."""


class ForkedWork(Generic[_T]):
    """Work in a forked process, which starts immediately.

    Create it while this process has a single thread and no event loop, because neither survives a fork.

    Args:
        work: the work. Its result is pickled, so this process should have imported the class of the result.
        expected: the errors that the work may raise; they are pickled, too.

    Raises:
        OSError: the process cannot be forked.
    """

    def __init__(self, work: Callable[[], _T], expected: type[Exception] | tuple[()] = ()) -> None:
        us = os.getpid()
        self._reading, writing = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            os._exit(_work(work, expected, us, writing))
        os.close(writing)

    def result(self) -> _T:
        """Wait for the end of the work; return its result, or raise its expected error. Call it once.

        Raises:
            ForkedWorkError: the work raised another error, or its process was killed.
        """
        with os.fdopen(self._reading, "rb") as pipe:
            written = pipe.read()
        _, status = os.waitpid(self._pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise ForkedWorkError
        error: Exception | None
        returned: _T
        error, returned = pickle.loads(written)  # noqa: S301 — the data comes from our own process
        if error is not None:
            raise error
        return returned


def _work(work: Callable[[], _T], expected: type[Exception] | tuple[()], parent: int, writing: int) -> int:
    try:
        os.setsid()  # so that Ctrl-C on the terminal signals only the parent
        die_with_parent(signal.SIGKILL, parent)
        try:
            outcome: tuple[Exception | None, _T | None] = (None, work())
        except expected as error:
            outcome = (error, None)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(outcome, pipe)
    except BaseException:  # noqa: BLE001 — no code of the parent must run in this process
        traceback.print_exc()
        return 1
    return 0
