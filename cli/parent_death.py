"""Ends a process when its parent dies (Linux: prctl(2), PR_SET_PDEATHSIG)."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(number: signal.Signals, parent_pid: int) -> None:
    """Request a signal to this process when its parent dies; at once if it is already dead.

    Args:
        number: the signal.
        parent_pid: the expected parent process id.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), number)


def end_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return a preexec function that ends a child with this process; without effect once the child changes its user."""
    parent_pid = os.getpid()
    return lambda: die_with_parent(number, parent_pid)
