"""Which failures are our own: they end as ERROR and never count against a target (semantics.md §9). Pure.

| what | why it is ours |
|---|---|
| EMFILE, ENFILE | this process or machine may open no more files |
| ENOMEM, ENOBUFS, MemoryError | memory, ours or the kernel's, ran out |
| EADDRNOTAVAIL | no local port is left, or the address's family is not configured here |
| ENETDOWN | the machine's interface is down |
| ENETUNREACH without a route | this machine knows no way there; with one, a router on the way said so |
| EPERM, EACCES | a firewall of this machine forbids it |
| EAFNOSUPPORT | the machine does not speak the address's family |

What a peer or a router on the way says is the target's: ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ETIMEDOUT. That none of
our name servers can be reached, or is heard, is ours too; `resolver` and `name_servers` say so.
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


class OwnTrouble(Exception):
    """A run came to no verdict for a reason of our own; the message is for its owner.

    Args:
        cause: what happened, or a sentence about it.
        kind: what results call it.

    Attributes:
        kind: as given.
    """

    def __init__(self, cause: BaseException | str, kind: ErrorKind = ErrorKind.INTERNAL) -> None:
        super().__init__(cause if isinstance(cause, str) else sentence(cause))
        self.kind = kind


def is_own(error: BaseException) -> bool:
    """Whether a failure is our own."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _OURS)


def sentence(error: BaseException) -> str:
    """What was the matter with us, in words."""
    if isinstance(error, MemoryError):
        return "the monitor ran out of memory"
    name = errno.errorcode.get(error.errno or 0, "unknown") if isinstance(error, OSError) else "internal"
    return f"the monitor could not connect: {name}"
