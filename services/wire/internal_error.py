"""Failures of the monitor itself: they end as ERROR and never count against a target (semantics.md §9). Pure.

| error | why it is the monitor's own |
|---|---|
| EMFILE, ENFILE | the limit on open files of this process or machine |
| ENOMEM, ENOBUFS, MemoryError | out of memory, in the process or the kernel |
| EADDRNOTAVAIL | no local port is left, or the address family is not configured |
| ENETDOWN | the machine's interface is down |
| ENETUNREACH without a route | this machine has no route; with one, a router on the way reported it |
| EPERM, EACCES | a firewall of this machine forbids it |
| EAFNOSUPPORT | the machine does not support the address family |

What a peer or a router on the way reports is the target's: ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ETIMEDOUT. If no
name server can be reached or responds, that is the monitor's own failure, too (`resolver`, `name_servers`).
"""

import errno

from services.checks.outcome import ErrorKind

_OURS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EADDRNOTAVAIL,
        errno.ENETDOWN,
        errno.EPERM,
        errno.EACCES,
        errno.EAFNOSUPPORT,
    }
)


class InternalProbeError(Exception):
    """A run has no verdict because the monitor itself failed; the message is for the check's owner.

    Args:
        cause: the exception, or a message.
        kind: the error kind of the result.

    Attributes:
        kind: as given.
    """

    def __init__(self, cause: BaseException | str, kind: ErrorKind = ErrorKind.INTERNAL) -> None:
        super().__init__(cause if isinstance(cause, str) else describe_error(cause))
        self.kind = kind


def is_internal(error: BaseException) -> bool:
    """Return whether a failure is the monitor's own."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _OURS)


def describe_error(error: BaseException) -> str:
    """Return a description of a failure of the monitor."""
    if isinstance(error, MemoryError):
        return "the monitor ran out of memory"
    name = errno.errorcode.get(error.errno or 0, "unknown") if isinstance(error, OSError) else "internal"
    return f"the monitor could not connect: {name}"
