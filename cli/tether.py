"""Ties a process's life to its parent's (Linux: prctl(2), PR_SET_PDEATHSIG), so that nothing is left behind."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(number: signal.Signals, parent_pid: int) -> None:
    """Have the kernel send us a signal when our parent dies; at once if it is dead already.

    Args:
        number: the signal.
        parent_pid: who our parent should be.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), number)


def tethered(number: signal.Signals) -> Callable[[], None]:
    """What a child runs before its program, to die with us; the kernel forgets it when the child changes its user."""
    parent_pid = os.getpid()
    return lambda: die_with_parent(number, parent_pid)
