"""The limit on open files."""

import resource

HOW = "raise the limit on open files (`ulimit -Hn`, systemd's LimitNOFILE)"
"""The remedy for too low a limit."""


def raise_limit() -> int:
    """Raise the soft limit of this process to its hard limit; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return _number(hard)


def limit() -> int:
    """Return the limit of this process."""
    return _number(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def shortage(name: str, need: int) -> str | None:
    """Return a warning if a process that inherits the limit needs more files; None otherwise.

    Args:
        name: the name of the process.
        need: the maximum number of files that it opens.
    """
    actual = limit()
    if actual >= need:
        return None
    return f"{name} needs up to {need} file descriptors, limit {actual}; {HOW}"


def _number(value: int) -> int:
    return 2**31 if value == resource.RLIM_INFINITY else value
