"""Work in a forked process, so that what it imports takes no memory of this one."""

import os
import pickle
import signal
import traceback
from collections.abc import Callable
from typing import Generic, TypeVar

from cli.tether import die_with_parent

_T = TypeVar("_T")


class ApartError(Exception):
    """The work failed; its process has printed why."""


class Apart(Generic[_T]):
    """Work in a process of its own, begun at once.

    To be made while this process has one thread and no event loop: neither survives a fork.

    Args:
        work: what to do; what it returns is copied, so its class should be one that this process has imported.
        expected: an error that it may raise, likewise.
    """

    def __init__(self, work: Callable[[], _T], expected: type[Exception] | tuple[()] = ()) -> None:
        us = os.getpid()
        self._reading, writing = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            os._exit(_work(work, expected, us, writing))
        os.close(writing)

    def result(self) -> _T:
        """Wait for the end of the work; return what it returned, or raise the expected error. To be called once.

        Raises:
            ApartError: it raised another one.
        """
        with os.fdopen(self._reading, "rb") as pipe:
            written = pipe.read()
        _, status = os.waitpid(self._pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise ApartError
        error: Exception | None
        returned: _T
        error, returned = pickle.loads(written)  # noqa: S301 — our own process has written it
        if error is not None:
            raise error
        return returned


def _work(work: Callable[[], _T], expected: type[Exception] | tuple[()], parent: int, writing: int) -> int:
    try:
        os.setsid()  # the terminal's Ctrl-C reaches our parent alone
        die_with_parent(signal.SIGKILL, parent)
        try:
            outcome: tuple[Exception | None, _T | None] = (None, work())
        except expected as error:
            outcome = (error, None)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(outcome, pipe)
    except BaseException:  # noqa: BLE001 — nothing of the parent's must run in this process
        traceback.print_exc()
        return 1
    return 0
